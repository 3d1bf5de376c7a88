import Conversation
import Foundation
import Glibc
import TurnHost

/// Kills or stops processes at a named step of a turn, so many times in the worker's life, however many processes that
/// takes.
///
/// How often is left to do is kept as files in a directory that the consumer makes: taking one away is atomic and
/// outlives whoever did it.
struct StepFault: Sendable {
    enum Kind: String, Sendable {
        /// SIGKILL, to the one process.
        case kill
        /// SIGSTOP, to the process, and first to the worker as a whole if it is meant: as of a machine that stands still.
        case stall
    }

    let kind: Kind
    let place: KillAt
    /// Where what is left to do is kept.
    let directory: String
    /// The consumer's process.
    let worker: pid_t

    /// Makes the directory, for the consumer.
    static func arm(_ kind: Kind, _ place: KillAt) throws -> StepFault {
        let directory = NSTemporaryDirectory() + "carryon-\(kind.rawValue)-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        for time in 1...place.times {
            try Data().write(to: URL(fileURLWithPath: "\(directory)/\(time)"))
        }
        return StepFault(kind: kind, place: place, directory: directory, worker: getpid())
    }

    /// Takes the directory away, for the consumer at its orderly end.
    func disarm() {
        try? FileManager.default.removeItem(atPath: directory)
    }

    /// Strikes if this is the step.
    func reached(_ step: TurnStep) {
        guard step == place.step else { return }
        guard (1...place.times).contains(where: { unlink("\(directory)/\($0)") == 0 }) else { return }
        switch kind {
        case .kill:
            Glibc.kill(place.process == .worker ? worker : getpid(), SIGKILL)
            // The step must not be passed while the signal is on its way.
            while true { pause() }
        case .stall:
            if place.process == .worker, worker != getpid() { Glibc.kill(worker, SIGSTOP) }
            // To oneself it takes effect before the call returns.
            raise(SIGSTOP)
        }
    }

    /// As a host is told of it.
    var json: JSON {
        [
            "kind": .string(kind.rawValue), "directory": .string(directory),
            "worker": .number(JSONNumber(Int(worker))), "place": .string(place.description),
        ]
    }

    init(kind: Kind, place: KillAt, directory: String, worker: pid_t) {
        self.kind = kind
        self.place = place
        self.directory = directory
        self.worker = worker
    }

    /// Nil if it is not what ``json`` gives.
    init?(_ json: JSON) {
        guard let kind = json["kind"]?.stringValue.flatMap(Kind.init), let directory = json["directory"]?.stringValue,
            let worker = json["worker"]?.int, let place = json["place"]?.stringValue.flatMap(KillAt.init)
        else { return nil }
        self.init(kind: kind, place: place, directory: directory, worker: pid_t(worker))
    }
}
