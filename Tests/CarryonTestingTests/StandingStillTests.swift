import Testing

@testable import CarryonTesting

@Suite("A worker that stands still")
struct StandingStillTests {
    private let stage = Stage()
    private let worker: MockWorker
    private let written = Notes<Int>()

    init() {
        worker = MockWorker(number: 0, stage: stage)
        stage.change { state in
            state.workers.append(.init(assignment: 1))
            state.current = 0
        }
    }

    private func write(_ value: Int) {
        worker.write { [written] in written.add(value) }
    }

    @Test("What it writes is kept, and written in order when it goes on")
    func kept() {
        write(1)
        stage.change { $0.stop(0, at: .midStream) }
        for value in 2...4 { write(value) }
        #expect(written.all == [1])
        worker.goOn()
        #expect(written.all == [1, 2, 3, 4] && !worker.stands)
    }

    @Test("Another order to stand still, met on the way, keeps the rest")
    func stoppedAgain() {
        stage.change { $0.stop(0, at: .midStream) }
        write(1)
        worker.write { [stage] in stage.change { $0.stop(0, at: .midStream) } }
        write(2)
        worker.goOn()
        #expect(written.all == [1] && worker.stands)
        worker.goOn()
        #expect(written.all == [1, 2] && !worker.stands)
    }

    @Test("What is written on the way comes after what was kept")
    func inOrder() {
        stage.change { $0.stop(0, at: .midStream) }
        worker.write { [worker, written] in
            worker.write { written.add(3) }
            written.add(1)
        }
        write(2)
        worker.goOn()
        #expect(written.all == [1, 2, 3])
    }

    @Test("Whoever waits for it goes on with it, or with its death", arguments: [true, false])
    func sleepers(dies: Bool) async {
        stage.change { $0.stop(0, at: .midStream) }
        let sleeper = Task { [worker] in await worker.untilItGoesOn() }
        while stage.read({ $0.workers[0].pause?.sleepers.isEmpty ?? true }) { await Task.yield() }
        if dies { worker.die(.unseen) } else { worker.goOn() }
        await sleeper.value
        #expect(worker.isDead == dies)
    }
}
