/// Something that is done to the service.
enum Fault: Sendable, Hashable {
    /// A turn host dies: with SIGKILL, or with the SIGSEGV of a bug.
    case killHost(worker: Int, host: Int, isFault: Bool)
    /// A turn host stands still for a while.
    case freezeHost(worker: Int, host: Int, milliseconds: Int)
    /// A worker and its hosts die, and another comes later.
    case killWorker(worker: Int, downMilliseconds: Int)
    /// A worker and its hosts stand still for longer than the group waits for them, and then go on.
    case freezeWorker(worker: Int, milliseconds: Int, hostsFirst: Bool)
    /// Another worker starts, which will take so long at most over its own end, and one is asked to end.
    case replaceWorker(worker: Int, drainMilliseconds: Int)
    /// A worker dies, and the next one kills itself or a host at a named step of some turn.
    case armWorker(worker: Int, killAt: String)
    /// Every connection to the broker breaks.
    case cutBroker
    /// No byte to or from the broker moves for a while.
    case stallBroker(milliseconds: Int)
    /// The broker itself stands still for a while.
    case freezeBroker(milliseconds: Int)

    /// What it is called in a count, and by who wants no others.
    enum Kind: String, Sendable, CaseIterable {
        case hostKilled = "host-killed"
        case hostCrashed = "host-crashed"
        case hostFrozen = "host-frozen"
        case workerKilled = "worker-killed"
        case workerFrozen = "worker-frozen"
        case workerReplaced = "worker-replaced"
        case workerArmed = "worker-armed"
        case brokerCut = "broker-cut"
        case brokerStalled = "broker-stalled"
        case brokerFrozen = "broker-frozen"

        /// Whether a run may end of it in a way that is charged to somebody: by a death, or because its worker lost the
        /// partition.
        var mayKill: Bool {
            switch self {
            case .hostKilled, .hostCrashed, .workerKilled, .workerFrozen, .workerArmed, .brokerFrozen, .brokerStalled:
                true
            case .hostFrozen, .workerReplaced, .brokerCut: false
            }
        }
    }

    var kind: Kind {
        switch self {
        case .killHost(_, _, let isFault): isFault ? .hostCrashed : .hostKilled
        case .freezeHost: .hostFrozen
        case .killWorker: .workerKilled
        case .freezeWorker: .workerFrozen
        case .replaceWorker: .workerReplaced
        case .armWorker: .workerArmed
        case .cutBroker: .brokerCut
        case .stallBroker: .brokerStalled
        case .freezeBroker: .brokerFrozen
        }
    }
}
