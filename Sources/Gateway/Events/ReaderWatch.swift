import NIOCore
import Synchronization

/// Watches that one reader's connection takes what it is sent, and closes it if it does not.
final class ReaderWatch: Sendable {
    private let channel: any Channel
    private let since = Mutex<ContinuousClock.Instant?>(nil)

    init(_ channel: any Channel) { self.channel = channel }

    /// A write begins.
    func begin() { since.withLock { $0 = .now } }

    /// The write is through.
    func end() { since.withLock { $0 = nil } }

    /// Closes the connection if a write has been going on since before `limit`; the write then fails.
    func check(limit: ContinuousClock.Instant) {
        guard let since = since.withLock({ $0 }), since < limit else { return }
        channel.close(promise: nil)
    }
}

/// The watches of all readers.
final class ReaderWatches: Sendable {
    private let watches = Mutex<[ObjectIdentifier: ReaderWatch]>([:])

    func add(_ watch: ReaderWatch) { watches.withLock { $0[ObjectIdentifier(watch)] = watch } }
    func remove(_ watch: ReaderWatch) { watches.withLock { $0[ObjectIdentifier(watch)] = nil } }
    var count: Int { watches.withLock { $0.count } }

    /// Looks after all of them once a second, for as long as the task lives.
    func run(timeout: Duration) async {
        while !Task.isCancelled {
            try? await Task.sleep(for: .seconds(1))
            let limit = ContinuousClock.now - timeout
            for watch in watches.withLock({ Array($0.values) }) { watch.check(limit: limit) }
        }
    }
}
