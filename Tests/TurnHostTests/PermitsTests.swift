import Testing
import TestSupport
@testable import TurnHost

@Suite("Permits")
struct PermitsTests {
    @Test("Those who wait are let in tenant by tenant, in order within each; nobody's tenant is one too")
    func roundRobin() async throws {
        let permits = Permits(1)
        let order = Seen<String>()
        var first: Permits.Permit? = await permits.acquire()
        var tasks: [Task<Void, Never>] = []
        let asked: [(String?, String)] =
            (0..<6).map { ("busy", "busy\($0)") } + [("b", "b0"), (nil, "nobody0"), ("b", "b1"), (nil, "nobody1")]
        for (index, (tenant, name)) in asked.enumerated() {
            tasks.append(
                Task {
                    let permit = await permits.acquire(for: tenant)
                    order.add(name)
                    permit.release()
                })
            try await eventually(timeout: .seconds(10), every: .milliseconds(1)) {
                permits.waitingCount == index + 1
            }
        }
        first = nil
        for task in tasks { await task.value }
        #expect(
            order.all == [
                "busy0", "b0", "nobody0", "busy1", "b1", "nobody1", "busy2", "busy3", "busy4", "busy5",
            ])
        #expect(first == nil && permits.waitingCount == 0)
    }
}
