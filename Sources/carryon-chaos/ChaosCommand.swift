import ArgumentParser
import Conversation
import Foundation

/// `carryon-chaos`: hurts a whole service in every way there is while users talk to it, and checks the books afterwards.
@main
struct ChaosCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "carryon-chaos",
        abstract: "Kills, freezes and cuts off what it can of a whole service, and checks that no reader noticed.",
        discussion: """
            What users say and what is done to the service are functions of the seeds. What comes of it is not: that \
            depends on the clock.
            """)

    @Option(help: "Of what users say; a random one if not given.") var seed: UInt64?
    @Option(help: "Of what is done to the service; the same as the other one if not given.") var faultSeed: UInt64?
    @Option(help: "How many seeds to run, one after the other, counting up from the first.") var seeds = 1
    @Option(help: "Sessions that talk at once.") var sessions = 200
    @Option(help: "Steps of each session.") var turns = 10
    @Option(help: "Workers.") var workers = 4
    @Option(help: "Turn hosts of each worker.") var hosts = 2
    @Option(help: "Partitions.") var partitions = 8
    @Option(help: "Where sessions are kept.") var store = StoreKind.sqlite
    @Option(help: "Minutes that faults go on.") var minutes: Double?
    @Option(help: "The same in seconds.") var seconds: Double?
    @Option(
        help: "Seconds that the rest may take once everything is whole again; 180, or 3 for each session, if not given."
    )
    var deadline: Double?
    @Option(help: "Milliseconds between faults that leave the group as it is; 0 for none.") var lightEvery = 2_500
    @Option(help: "Milliseconds between faults that move partitions; 0 for none.") var heavyEvery = 10_000
    @Option(help: "Milliseconds between faults of a store that is a server; 0 for none.") var storeEvery = 7_000
    @Option(help: "The only kinds of faults, apart by commas: \(Self.kindNames).") var only: String?
    @Option(
        name: .customLong("set"), help: "A setting of the workers, as NAME=VALUE without its CARRYON_; may be repeated."
    )
    var settings: [String] = []
    @Option(help: "Where a run's files go.") var directory = FileManager.default.temporaryDirectory
        .path(percentEncoded: false)
    @Flag(help: "Keeps the files of clean runs too.") var keepFiles = false
    @Flag(help: "Prints one JSON object for each run instead of a table.") var json = false

    private static let kindNames = Fault.Kind.allCases.map(\.rawValue).joined(separator: ", ")

    private func kinds() throws -> Set<Fault.Kind> {
        guard let only else { return Set(Fault.Kind.allCases) }
        return Set(
            try only.split(separator: ",").map { name in
                guard let kind = Fault.Kind(rawValue: String(name)) else {
                    throw ValidationError("there is no kind of fault \(name); there are \(Self.kindNames)")
                }
                return kind
            })
    }

    private func further() throws -> [String: String] {
        var further: [String: String] = [:]
        for pair in settings {
            let halves = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard halves.count == 2 else { throw ValidationError("--set takes NAME=VALUE") }
            further[String(halves[0])] = String(halves[1])
        }
        return further
    }

    func validate() throws {
        _ = try kinds()
        _ = try further()
        guard sessions > 0, turns > 0, workers > 0, hosts > 0, partitions > 0, seeds > 0, (seconds ?? 1) > 0,
            (minutes ?? 1) > 0, lightEvery >= 0, heavyEvery >= 0, storeEvery >= 0
        else { throw ValidationError("every size must be more than nothing") }
    }

    func run() async throws {
        let first = seed ?? .random(in: 1...999_999)
        var areClean = true
        for number in 0..<UInt64(seeds) {
            let setting = try setting(seed: first &+ number, faultSeed: (faultSeed ?? first) &+ number)
            try FileManager.default.createDirectory(at: setting.directory, withIntermediateDirectories: true)
            let diary = try Diary(setting.directory.appending(path: "diary.txt"))
            diary.say("seeds: conversations \(setting.seed), faults \(setting.faultSeed)")
            diary.say("again: \(setting.commandLine)")
            let report = try await Conductor(setting: setting, diary: diary).run()
            // At once, also where nobody looks: the next run takes minutes.
            FileHandle.standardOutput.write(Data(((json ? report.json.serializedString : report.table) + "\n").utf8))
            if report.isClean {
                if !keepFiles { try? FileManager.default.removeItem(at: setting.directory) }
            } else {
                areClean = false
                diary.say(report.failure())
            }
        }
        if !areClean { throw ExitCode.failure }
    }

    private func setting(seed: UInt64, faultSeed: UInt64) throws -> ChaosSetting {
        let window = seconds ?? (minutes ?? 1) * 60
        let patience = deadline ?? max(180, 3 * Double(sessions))
        return try ChaosSetting(
            seed: seed, faultSeed: faultSeed, sessions: sessions, turns: turns, workers: workers, hosts: hosts,
            partitions: partitions, store: store, window: .seconds(window), deadline: .seconds(patience),
            lightEvery: .milliseconds(lightEvery), heavyEvery: .milliseconds(heavyEvery),
            storeEvery: .milliseconds(storeEvery),
            kinds: kinds(), further: further(),
            directory: URL(filePath: directory).appending(path: "carryon-chaos-\(seed)-\(UUID().uuidString.prefix(8))"),
            keepsFiles: keepFiles)
    }
}
