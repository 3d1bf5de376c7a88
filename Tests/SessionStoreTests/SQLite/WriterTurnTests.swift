import Foundation
import Synchronization
import Testing

@testable import SessionStore

@Suite("Turns of writers", .timeLimit(.minutes(1)))
struct WriterTurnTests {
    @Test("One writer at a time, and a busy one does not starve the others")
    func fairness() async throws {
        try await withTemporaryDirectory { directory in
            let path = directory.appendingPathComponent("db").path
            let inside = Atomic(0)
            let counts = Mutex<[Int]>([0, 0, 0])
            let remaining = DispatchGroup()
            for index in 0..<3 {
                let turn = try WriterTurn(databasePath: path)
                remaining.enter()
                Thread {
                    defer { remaining.leave() }
                    // Each goes on until the slowest has had its share: a starved one would never let the others end.
                    while counts.withLock({ $0.contains { $0 < 50 } }) {
                        do {
                            try turn.take()
                        } catch {
                            Issue.record(error)
                            return
                        }
                        #expect(inside.add(1, ordering: .relaxed).newValue == 1)
                        counts.withLock { $0[index] += 1 }
                        usleep(100)
                        inside.subtract(1, ordering: .relaxed)
                        turn.give()
                    }
                }.start()
            }
            await withCheckedContinuation { continuation in
                remaining.notify(queue: .global()) { continuation.resume() }
            }
            let most = counts.withLock { $0.max() ?? 0 }
            #expect(most < 500, "the busiest writer had \(most) turns while another had 50")
        }
    }
}
