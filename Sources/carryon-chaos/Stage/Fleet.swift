import Foundation
import TestSupport

/// The workers: so many places, each with a process in it most of the time.
actor Fleet {
    private struct Place {
        var process: CarryonProcess
        /// Whether somebody is doing something to it: it is left alone until then.
        var isBusy = false
        /// Whether its end is no surprise: it was told to kill itself.
        var isArmed = false
    }

    private let stage: Stage
    private let settings: [String: String]
    private var places: [Place] = []
    private var started = 0
    private var isEnding = false
    private(set) var findings: [Finding] = []
    /// Workers that killed themselves as they were told to.
    private(set) var selfKills = 0
    /// Workers that would not start because the store was away.
    private(set) var refusedStarts = 0

    init(_ stage: Stage, settings: [String: String]) {
        self.stage = stage
        self.settings = settings
    }

    func start(_ count: Int) async throws {
        for _ in 0..<count { places.append(Place(process: try await startWorker())) }
    }

    var processes: [CarryonProcess] { places.map(\.process) }

    /// Starts further workers in the place of those that ended by themselves, until it is cancelled.
    func watch() async throws {
        while !Task.isCancelled {
            for index in places.indices where !places[index].isBusy {
                guard let ending = places[index].process.ending, !isEnding else { continue }
                places[index].isBusy = true
                try await succeed(index, ending)
            }
            try? await Task.sleep(for: .milliseconds(50))
        }
    }

    /// Starts a worker in the place of one that ended by itself.
    private func succeed(_ index: Int, _ ending: ProcessEnding) async throws {
        let process = places[index].process
        if places[index].isArmed, ending == .killed {
            selfKills += 1
        } else if ending == .exited(69), !process.errorText.contains("A turn host is up."),
            await stage.storeUnderTest.wasAway
        {
            // Who can't open the store says so and ends; whoever runs it tries again after a while.
            refusedStarts += 1
            try? await Task.sleep(for: .milliseconds(500))
        } else {
            findings.append(
                Finding(
                    .conduct, nil, "the worker \(process.name)", expected: "it running",
                    came: "\(ending)\n\(process.lastWords())"))
        }
        places[index] = Place(process: try await startWorker())
    }

    private func startWorker(_ further: [String: String] = [:]) async throws -> CarryonProcess {
        started += 1
        return try await CarryonProcess.start(
            ["work"], name: "worker-\(started)",
            environment: stage.environment(settings.merging(further, uniquingKeysWith: { $1 })),
            directory: stage.directory.appending(path: "workers"))
    }

    /// The wanted place, or the next one that nobody is busy with.
    private func take(_ wanted: Int) -> Int? {
        let candidates = places.indices.map { (wanted + $0) % places.count }
        guard let index = candidates.first(where: { !places[$0].isBusy && places[$0].process.ending == nil }) else {
            return nil
        }
        places[index].isBusy = true
        return index
    }

    /// One of a worker's hosts; nil if there is none.
    func host(worker: Int, host: Int) -> pid_t? {
        guard let index = take(worker) else { return nil }
        defer { places[index].isBusy = false }
        let hosts = places[index].process.family.dropFirst()
        return hosts.isEmpty ? nil : hosts[hosts.startIndex + host % hosts.count]
    }

    /// Kills a worker, and starts another after a while.
    /// - Returns: whether there was one.
    func replaceDead(worker: Int, after pause: Duration, killAt: String? = nil) async throws -> Bool {
        guard let index = take(worker) else { return false }
        places[index].process.signal(SIGKILL)
        try? await Task.sleep(for: pause)
        let armed = killAt.map { ["KILL_AT": $0] } ?? [:]
        places[index] = Place(process: try await startWorker(armed), isArmed: killAt?.hasPrefix("worker:") == true)
        return true
    }

    /// Starts a worker and asks the one in whose place it is to end, as a deploy does.
    func deploy(worker: Int, drain: Duration) async throws -> Bool {
        guard let index = take(worker) else { return false }
        let leaving = places[index].process
        let wasArmed = places[index].isArmed
        let patience =
            "\(max(1, drain.components.seconds * 1_000 + drain.components.attoseconds / 1_000_000_000_000_000))ms"
        places[index].process = try await startWorker(["DRAIN_TIMEOUT": patience])
        leaving.signal(SIGTERM)
        places[index].isBusy = false
        places[index].isArmed = false
        await expectEnd(of: leaving, mayBeKilled: wasArmed)
        return true
    }

    /// Has a worker and its hosts stand still, and go on.
    func freeze(worker: Int, for duration: Duration, hostsFirst: Bool) async -> Bool {
        guard let index = take(worker) else { return false }
        let process = places[index].process
        let family = process.family
        for pid in family { kill(pid, SIGSTOP) }
        try? await Task.sleep(for: duration)
        // They are its children, and stand still: their numbers are still theirs.
        for pid in hostsFirst ? family.reversed() : family { kill(pid, SIGCONT) }
        places[index].isBusy = false
        return true
    }

    /// Asks every worker to end, and expects them to do so in good order.
    func end() async {
        isEnding = true
        for place in places { place.process.signal(SIGTERM) }
        for place in places { await expectEnd(of: place.process, mayBeKilled: place.isArmed) }
    }

    private func expectEnd(of process: CarryonProcess, mayBeKilled: Bool) async {
        do {
            let ending = try await process.end(within: .seconds(60))
            if ending == .done || (mayBeKilled && ending == .killed) { return }
            // One that has not begun to work has nothing to end in order.
            if ending == .signaled(SIGTERM), !process.errorText.contains("A turn host is up") { return }
            findings.append(
                Finding(
                    .conduct, nil, "the end of \(process.name), which was asked to", expected: "exit status 0",
                    came: "\(ending)\n\(process.lastWords())"))
        } catch {
            findings.append(
                Finding(
                    .conduct, nil, "the end of \(process.name), which was asked to", expected: "it within 60 s",
                    came: "none\n\(process.lastWords())"))
            process.signal(SIGKILL)
        }
    }
}
