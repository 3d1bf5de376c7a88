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

    /// What it is called in a count.
    var kind: String {
        switch self {
        case .killHost(_, _, let isFault): isFault ? "host SIGSEGV" : "host SIGKILL"
        case .freezeHost: "host frozen"
        case .killWorker: "worker SIGKILL"
        case .freezeWorker: "worker frozen"
        case .replaceWorker: "worker replaced"
        case .armWorker: "worker armed"
        case .cutBroker: "broker cut"
        case .stallBroker: "broker stalled"
        case .freezeBroker: "broker frozen"
        }
    }

    /// Whether it takes partitions from a worker: the group needs a while before anything goes on.
    var movesPartitions: Bool {
        switch self {
        case .killWorker, .freezeWorker, .replaceWorker, .armWorker: true
        case .killHost, .freezeHost, .cutBroker, .stallBroker, .freezeBroker: false
        }
    }
}
