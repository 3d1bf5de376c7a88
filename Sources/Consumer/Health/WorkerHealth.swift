/// Whether a worker lives and whether it is ready, and what that is judged by.
///
/// *Alive* is what a restart would help against: a poll thread that is stuck, a turn that no timeout has ended, a
/// membership that does not come back. A worker that has much to do is alive. *Ready* also asks for what the worker
/// needs of others: it is told, and nobody restarts a worker for a broker or a store that is away.
package struct WorkerHealth: Sendable, Hashable {
    /// One clock, and what it says.
    package struct Check: Sendable, Hashable {
        package enum Kind: Sendable, Hashable {
            /// A worker that fails it is not alive.
            case liveness
            /// A worker that fails it is alive and not ready.
            case readiness
        }

        package var name: String
        package var kind: Kind
        package var isPassed: Bool
        /// What the clock shows.
        package var age: Duration?
        /// What it may show.
        package var threshold: Duration?
        /// In words, if there is more to say.
        package var detail: String?

        package init(
            _ name: String, _ kind: Kind, isPassed: Bool, age: Duration? = nil, threshold: Duration? = nil,
            detail: String? = nil
        ) {
            self.name = name
            self.kind = kind
            self.isPassed = isPassed
            self.age = age
            self.threshold = threshold
            self.detail = detail
        }

        /// A clock that may not show more than its threshold; one that shows nothing is not running.
        init(_ name: String, _ kind: Kind, age: Duration?, threshold: Duration, detail: String? = nil) {
            self.init(
                name, kind, isPassed: age.map { $0 <= threshold } ?? true, age: age, threshold: threshold,
                detail: detail)
        }
    }

    package var checks: [Check]

    package var isAlive: Bool { checks.allSatisfy { $0.isPassed || $0.kind == .readiness } }
    package var isReady: Bool { checks.allSatisfy(\.isPassed) }
}
