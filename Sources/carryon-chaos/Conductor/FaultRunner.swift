import Foundation
import Synchronization
import TestSupport

/// Does to the service what the plan says, at its moments. Afterwards everything is whole again.
final class FaultRunner: Sendable {
    private let plan: FaultPlan
    private let fleet: Fleet
    private let broker: Tansu
    private let diary: Diary
    private let counts = Mutex<[String: Int]>([:])

    init(_ plan: FaultPlan, fleet: Fleet, broker: Tansu, diary: Diary) {
        self.plan = plan
        self.fleet = fleet
        self.broker = broker
        self.diary = diary
    }

    /// How many of each kind were done, by their names.
    var done: [String: Int] { counts.withLock { $0 } }

    /// Returns when the last one is over and healed.
    func run() async throws {
        let start = ContinuousClock.now
        try await withThrowingTaskGroup(of: Void.self) { group in
            for moment in plan.moments {
                try await Task.sleep(until: start + .milliseconds(moment.at))
                group.addTask { try await self.inflict(moment.fault) }
            }
            try await group.waitForAll()
        }
        broker.resume()
        broker.relay.resume()
    }

    private func inflict(_ fault: Fault) async throws {
        diary.note("\(fault)")
        let isDone = try await `do`(fault)
        if isDone { counts.withLock { $0[fault.kind.rawValue, default: 0] += 1 } }
        diary.note(isDone ? "over: \(fault)" : "nobody there: \(fault)")
    }

    private func `do`(_ fault: Fault) async throws -> Bool {
        switch fault {
        case .killHost(let worker, let host, let isFault):
            return await signal(worker, host, isFault ? SIGSEGV : SIGKILL)
        case .freezeHost(let worker, let host, let milliseconds):
            guard let pid = await fleet.host(worker: worker, host: host), kill(pid, SIGSTOP) == 0 else { return false }
            try? await Task.sleep(for: .milliseconds(milliseconds))
            kill(pid, SIGCONT)
            return true
        case .killWorker(let worker, let down):
            return try await fleet.replaceDead(worker: worker, after: .milliseconds(down))
        case .freezeWorker(let worker, let milliseconds, let hostsFirst):
            return await fleet.freeze(worker: worker, for: .milliseconds(milliseconds), hostsFirst: hostsFirst)
        case .replaceWorker(let worker, let drain):
            return try await fleet.deploy(worker: worker, drain: .milliseconds(drain))
        case .armWorker(let worker, let killAt):
            return try await fleet.replaceDead(worker: worker, after: .zero, killAt: killAt)
        case .cutBroker:
            broker.relay.cutAll()
            return true
        case .stallBroker(let milliseconds):
            broker.relay.stall()
            try? await Task.sleep(for: .milliseconds(milliseconds))
            broker.relay.resume()
            return true
        case .freezeBroker(let milliseconds):
            broker.stop()
            try? await Task.sleep(for: .milliseconds(milliseconds))
            broker.resume()
            return true
        }
    }

    private func signal(_ worker: Int, _ host: Int, _ number: Int32) async -> Bool {
        guard let pid = await fleet.host(worker: worker, host: host) else { return false }
        return kill(pid, number) == 0
    }
}
