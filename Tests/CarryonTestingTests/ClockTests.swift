import CarryonTesting
import Testing

@Suite("Clocks of tests", .timeLimit(.minutes(1)))
struct ClockTests {
    @Test("On an immediate clock a sleep takes no time, and the time is as late as it asked for")
    func immediate() async throws {
        let clock = ImmediateClock()
        try await clock.sleep(for: .seconds(3600))
        #expect(clock.now.offset == .seconds(3600))
        clock.advance(by: .seconds(1))
        try await clock.sleep(until: VirtualInstant(offset: .seconds(5)), tolerance: nil)
        #expect(clock.now.offset == .seconds(3601))
    }

    @Test("On a manual clock sleepers wake when their time has come, the earliest first")
    func manual() async throws {
        let clock = ManualClock()
        let woken = Notes<Int>()
        let sleepers = [3, 1, 2].map { seconds in
            Task {
                try await clock.sleep(for: .seconds(seconds))
                woken.add(seconds)
            }
        }
        while clock.sleeperCount < 3 { await Task.yield() }
        clock.advance(by: .milliseconds(999))
        #expect(clock.sleeperCount == 3)
        for seconds in 1...3 {
            await clock.advanceToNextSleeper()
            #expect(clock.now.offset == .seconds(seconds))
            #expect(clock.sleeperCount == 3 - seconds)
        }
        for sleeper in sleepers { try await sleeper.value }
        #expect(Set(woken.all) == [1, 2, 3])
        try await clock.sleep(until: VirtualInstant(offset: .seconds(1)), tolerance: nil)
    }

    @Test("A sleeper whose task is cancelled wakes at once")
    func cancelled() async throws {
        for _ in 0..<200 {
            let clock = ManualClock()
            let sleeper = Task { try await clock.sleep(for: .seconds(1)) }
            if Bool.random() { await Task.yield() }
            sleeper.cancel()
            await #expect(throws: CancellationError.self) { try await sleeper.value }
            #expect(clock.sleeperCount == 0)
        }
    }
}
