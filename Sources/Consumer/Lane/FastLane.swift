import DequeModule

/// The stops of one partition that are known before intake comes to them, and whether somebody has to look for more.
///
/// As long as intake stands at the partition's end there is nothing ahead of it. When it is paused, or has a long way to
/// go, a scout reads ahead of it, from where it stands and each record once, until intake has caught up.
package struct FastLane {
    package struct Stop: Sendable, Hashable {
        package var session: String
        package var offset: Int64
        package var reason: String?
        package var idempotencyKey: String?
        /// Where it stood at first, if a worker of another topic has handed it over.
        package var forwardedFrom: String?

        package init(
            session: String, offset: Int64, reason: String? = nil, idempotencyKey: String? = nil,
            forwardedFrom: String? = nil
        ) {
            self.session = session
            self.offset = offset
            self.reason = reason
            self.idempotencyKey = idempotencyKey
            self.forwardedFrom = forwardedFrom
        }
    }

    /// So many records on the way to intake are not worth a second reader.
    package static let tolerance: Int64 = 1_000
    /// How long intake must be further behind than that, unless it is paused.
    package static let patience = Duration.milliseconds(100)
    /// How long the scout stays with a partition that is caught up with, so that it does not come and go with every
    /// pause.
    package static let linger = Duration.seconds(1)

    private let capacity: Int
    /// The next offset that nobody has looked at for stops. Behind intake it means nothing.
    package private(set) var position: Int64 = 0
    /// Whether the scout is to read the partition.
    package private(set) var isScouted = false
    /// Records came since intake was last seen at the end, or it was paused: its distance has to be looked at.
    package private(set) var isUncertain = false
    private var behindSince: ContinuousClock.Instant?
    private var caughtUpSince: ContinuousClock.Instant?
    /// Where intake saw the partition's end.
    private var endSeen: Int64 = 0
    /// Each remembered stop, by offset.
    private var order: Deque<Stop> = []
    /// The same, by session: ascending.
    private var stops: [String: Deque<Stop>] = [:]
    /// Stops that intake has come to and has put off, by session: ascending. There are no more of them than deferred
    /// requests.
    private var deferred: [String: Deque<Stop>] = [:]

    /// - Parameter capacity: how many stops are remembered. The oldest are dropped, which take effect when intake comes
    ///   to them: it does so soonest.
    package init(capacity: Int = 10_000) {
        self.capacity = capacity
    }

    package var isEmpty: Bool { order.isEmpty && deferred.isEmpty }

    package var count: Int { order.count }

    /// Intake took something in, or was paused.
    package mutating func noteMovement() {
        isUncertain = true
    }

    /// Intake saw the partition's end, at this offset.
    package mutating func noteEnd(at offset: Int64) {
        endSeen = max(endSeen, offset)
    }

    /// Takes in how far intake is.
    /// - Parameters:
    ///   - next: one past the last offset taken in.
    ///   - end: the partition's end as far as intake's client knows it.
    package mutating func update(isPaused: Bool, next: Int64, end: Int64?, at now: ContinuousClock.Instant) {
        if isPaused {
            isScouted = true
            isUncertain = true
            (behindSince, caughtUpSince) = (nil, nil)
            return
        }
        guard isScouted || isUncertain else { return }
        let next = max(next, endSeen)
        // What the client knows may be from before a pause; the scout has been at `position`.
        let distance = max(end ?? .max, isScouted ? position : 0) - next
        guard isScouted else {
            if distance > Self.tolerance, end != nil {
                behindSince = behindSince ?? now
                isScouted = behindSince.map { now - $0 >= Self.patience } ?? false
            } else {
                behindSince = nil
            }
            if distance <= 0 { isUncertain = false }
            return
        }
        behindSince = nil
        guard distance <= 0 else { return caughtUpSince = nil }
        let since = caughtUpSince ?? now
        caughtUpSince = since
        guard now - since >= Self.linger else { return }
        isScouted = false
        isUncertain = false
        caughtUpSince = nil
    }

    /// Remembers what the scout found up to `next`, except for what was known, is behind `next` all the same, or is the
    /// duplicate of another.
    /// - Returns: the new ones, by offset.
    package mutating func note(_ found: [Stop], upTo next: Int64) -> [Stop] {
        var news: [Stop] = []
        for stop in found where stop.offset >= position && stop.offset < next {
            guard !isDuplicate(stop) else { continue }
            order.append(stop)
            stops[stop.session, default: []].append(stop)
            news.append(stop)
        }
        position = max(position, next)
        while order.count > capacity { forgetFirst() }
        return news
    }

    /// Remembers a stop that intake has come to, in order, and has put off.
    /// - Returns: whether it is to be handed over: it is not if it is the duplicate of another.
    package mutating func noteDeferred(_ stop: Stop) -> Bool {
        if isDuplicate(stop) { return false }
        deferred[stop.session, default: []].append(stop)
        return true
    }

    /// A stop that was put off has its turn: it is the first of its session's.
    package mutating func takeUp(_ session: String, offset: Int64) {
        guard deferred[session]?.first?.offset == offset else { return }
        deferred[session]?.removeFirst()
        if deferred[session]?.isEmpty == true { deferred[session] = nil }
    }

    /// Forgets the stops in front of `offset`, but for those put off: intake has them.
    package mutating func forget(before offset: Int64) {
        while let first = order.first, first.offset < offset { forgetFirst() }
    }

    /// The stops of a session behind `offset`, in order.
    package func stops(of session: String, behind offset: Int64) -> [Stop] {
        ((deferred[session] ?? []) + (stops[session] ?? [])).filter { $0.offset > offset }
    }

    private func isDuplicate(_ stop: Stop) -> Bool {
        guard let key = stop.idempotencyKey else { return false }
        func isFirst(_ other: Stop) -> Bool { other.idempotencyKey == key && other.offset < stop.offset }
        return stops[stop.session]?.contains(where: isFirst) == true
            || deferred[stop.session]?.contains(where: isFirst) == true
    }

    private mutating func forgetFirst() {
        guard let first = order.popFirst() else { return }
        stops[first.session]?.removeFirst()
        if stops[first.session]?.isEmpty == true { stops[first.session] = nil }
    }
}
