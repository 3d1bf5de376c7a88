/// That a session's requests are not carried out for now, but set aside.
package struct ParkedSession: Sendable, Hashable {
    package var session: String
    /// Why, in the words of whoever parked it.
    package var reason: String
    /// Since when, in milliseconds since 1970.
    package var since: Int64
    /// What was set aside is being sent again; the session is parked until all of it is through.
    package var isReleasing: Bool

    package init(session: String, reason: String, since: Int64, isReleasing: Bool = false) {
        self.session = session
        self.reason = reason
        self.since = since
        self.isReleasing = isReleasing
    }
}
