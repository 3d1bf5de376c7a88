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

    @Test("More permits let those in who wait, tenant by tenant; fewer take none away, and hold the next ones up")
    func resizing() async throws {
        let permits = Permits(1)
        let held = Seen<String>()
        let gates = (0..<5).map { _ in Latch() }
        var tasks: [Task<Void, Never>] = []
        for (index, tenant) in ["a", "a", "a", "b", "b"].enumerated() {
            tasks.append(
                Task {
                    let permit = await permits.acquire(for: tenant)
                    held.add("\(tenant)\(index)")
                    await gates[index].wait()
                    permit.release()
                })
            try await eventually(timeout: .seconds(10), every: .milliseconds(1)) {
                held.all.count + permits.waitingCount == index + 1
            }
        }
        #expect(held.all == ["a0"])
        permits.resize(to: 3)
        try await eventually(timeout: .seconds(10), every: .milliseconds(1)) { held.all.count == 3 }
        #expect(Set(held.all) == ["a0", "a1", "b3"])
        #expect(permits.waitingCount == 2)

        permits.resize(to: 1)
        for index in [0, 1] { gates[index].open() }
        for index in [0, 1] { await tasks[index].value }
        #expect(permits.waitingCount == 2, "the third still runs, and one may")
        gates[3].open()
        try await eventually(timeout: .seconds(10), every: .milliseconds(1)) { held.all.count == 4 }
        #expect(permits.waitingCount == 1)
        for gate in gates { gate.open() }
        for task in tasks { await task.value }
        let next = await permits.acquire()
        let waiting = Task { await permits.acquire().release() }
        try await eventually(timeout: .seconds(10), every: .milliseconds(1)) { permits.waitingCount == 1 }
        next.release()
        await waiting.value
    }
}
