import Dispatch
import Foundation
import Logging
import Synchronization

/// Some threads with a connection each that do all reads. They never wait for a write.
final class ReaderPool: Sendable {
    /// A read on its way: what it asks in one round trip and one snapshot, and what becomes of the answer.
    struct Read: Sendable {
        let queries: [PostgresQuery]
        /// Called on the reader's thread.
        let answer: @Sendable (Result<[PostgresRows], PostgresFailure>) -> Void
    }

    private struct State {
        var reads: [Read] = []
        var isClosed = false
    }

    /// How many reads a connection sends before it waits for their answers.
    private static let largestBatch = 8

    private let address: PostgresAddress
    private let patience: PostgresPatience
    private let logger: Logger
    private let count: Int
    private let state = Mutex(State())
    private let arrival = DispatchSemaphore(value: 0)
    private let end: ThreadsEnd

    init(_ address: PostgresAddress, patience: PostgresPatience, count: Int, logger: Logger, end: ThreadsEnd) {
        self.address = address
        self.patience = patience
        self.count = count
        self.logger = logger
        self.end = end
    }

    func start() {
        for _ in 0..<count {
            end.expectOne()
            let thread = Thread { self.work() }
            thread.name = "session-store-read"
            thread.start()
        }
    }

    /// False if the pool is closed.
    func append(_ read: Read) -> Bool {
        let isOpen = state.withLock { state in
            if !state.isClosed { state.reads.append(read) }
            return !state.isClosed
        }
        if isOpen { arrival.signal() }
        return isOpen
    }

    /// Lets the threads end when they have done what is queued.
    func close() {
        state.withLock { $0.isClosed = true }
        for _ in 0..<count { arrival.signal() }
    }

    private func work() {
        let link = PostgresLink(address, patience: patience, session: PostgresSettings.reading, logger: logger)
        while let reads = next() { if !reads.isEmpty { perform(reads, link) } }
        link.close()
        end.noteOne()
    }

    /// Some reads, or none if another thread was faster. Nil once the pool is closed and nothing is left.
    private func next() -> [Read]? {
        arrival.wait()
        return state.withLock { state in
            if state.reads.isEmpty { return state.isClosed ? nil : [] }
            // What is left is shared with the others.
            let share = min(Self.largestBatch, (state.reads.count + count - 1) / count)
            let taken = Array(state.reads.prefix(share))
            state.reads.removeFirst(share)
            // With the pool closed, a thread must come round again to see that nothing is left.
            if state.isClosed { arrival.signal() }
            return taken
        }
    }

    private func perform(_ reads: [Read], _ link: PostgresLink) {
        // A read may be asked twice: a connection that was lost since it was last used says so only when it is used.
        for isLast in [false, true] {
            do throws(PostgresFailure) {
                let started = ContinuousClock.now
                let connection = try link.connected(by: started + patience.connect)
                let answers: [Result<[PostgresRows], PostgresFailure>]
                do throws(PostgresFailure) {
                    answers = try connection.exchange(reads.map(\.queries), deadline: link.answerDeadline)
                } catch {
                    link.lose(error)
                    // An answer that took long will take long again.
                    if !isLast, ContinuousClock.now < started + .seconds(1) { continue }
                    throw error
                }
                link.proven()
                for (read, answer) in zip(reads, answers) { read.answer(answer) }
            } catch {
                for read in reads { read.answer(.failure(error)) }
            }
            return
        }
    }
}
