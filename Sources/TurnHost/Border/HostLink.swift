/// The consumer's end of the border to one turn host, whether that host is a process or lives in this one.
///
/// What a host reports comes back through the `@Sendable (HostReport) -> Void` handler that was given when the link
/// was made: in the order of the reports, one call at a time.
package protocol HostLink: AnyObject, Sendable {
    /// Passes a command on. Never blocks; commands take effect in the order of the calls. A command to a host that
    /// has died is dropped: its death is reported elsewhere.
    func send(_ command: HostCommand)

    /// No further command will come: every assignment counts as lost, and the host stops.
    func close()
}
