import SessionStore

/// Commands and reports as bytes: length (4 bytes, big-endian, of what follows it), version, kind, members.
package enum FrameCodec {
    /// Raised whenever a frame's meaning changes: a consumer and its hosts are one executable, so two versions only
    /// meet when an executable was replaced under a running consumer, and then the host is better not trusted.
    package static let version: UInt8 = 5

    /// The longest frame that is accepted, without its length's own four bytes.
    package static let maximumLength = 256 << 20

    /// A whole frame, its length included.
    package static func encode(_ command: HostCommand) -> [UInt8] {
        var writer = FrameWriter(kind: kind(of: command))
        switch command {
        case .configure(let hostID, let settings):
            writer.write(string: hostID)
            writer.write(blob: settings)
        case .grant(let grant):
            writer.write(grant)
        case .dispatch(let dispatches):
            writer.write(count: dispatches.count)
            for dispatch in dispatches { writer.write(dispatch) }
        case .caughtUp(let assignment):
            writer.write(signed: assignment)
        case .revoke(let assignments, let grace):
            writer.write(integers: assignments)
            writer.write(grace)
        case .lose(let assignments):
            writer.write(integers: assignments)
        case .askVitals: break
        case .stopAhead(let stops):
            writer.write(count: stops.count)
            for stop in stops { writer.write(stop) }
        case .adjust(let tuning): writer.write(tuning)
        case .pause(let assignments), .resume(let assignments): writer.write(integers: assignments)
        case .park(let sessions):
            writer.write(count: sessions.count)
            for session in sessions { writer.write(session) }
        }
        return writer.finished()
    }

    /// A whole frame, its length included.
    package static func encode(_ report: HostReport) -> [UInt8] {
        var writer = FrameWriter(kind: kind(of: report))
        switch report {
        case .ready: break
        case .began(let entries), .settled(let entries): writer.write(integers: entries)
        case .yielded(let assignments): writer.write(integers: assignments)
        case .fenced(let assignment): writer.write(signed: assignment)
        case .vitals(let vitals): writer.write(vitals)
        case .counted(let news): writer.write(blob: news)
        }
        return writer.finished()
    }

    /// Takes apart what followed a frame's length. Throws for anything that ``encode(_:)`` would not have written.
    package static func decodeCommand(_ frame: [UInt8]) throws(FrameError) -> HostCommand {
        var reader = FrameReader(frame, from: 0)
        let command = try reader.readCommand(kind: try reader.readKind())
        try reader.finish()
        return command
    }

    /// Takes apart what followed a frame's length. Throws for anything that ``encode(_:)`` would not have written.
    package static func decodeReport(_ frame: [UInt8]) throws(FrameError) -> HostReport {
        var reader = FrameReader(frame, from: 0)
        let report = try reader.readReport(kind: try reader.readKind())
        try reader.finish()
        return report
    }

    private static func kind(of command: HostCommand) -> UInt8 {
        switch command {
        case .configure: 1
        case .grant: 2
        case .dispatch: 3
        case .caughtUp: 4
        case .revoke: 5
        case .lose: 6
        case .stopAhead: 7
        case .askVitals: 8
        case .adjust: 9
        case .pause: 10
        case .resume: 11
        case .park: 12
        }
    }

    private static func kind(of report: HostReport) -> UInt8 {
        switch report {
        case .ready: 65
        case .began: 66
        case .settled: 67
        case .yielded: 68
        case .fenced: 69
        case .vitals: 70
        case .counted: 71
        }
    }
}

extension FrameReader {
    fileprivate mutating func readKind() throws(FrameError) -> UInt8 {
        let version = try readByte("version")
        guard version == FrameCodec.version else {
            throw FrameError(
                .unsupportedVersion, "The frame is of version \(version); this executable speaks \(FrameCodec.version)."
            )
        }
        return try readByte("kind")
    }

    fileprivate mutating func readCommand(kind: UInt8) throws(FrameError) -> HostCommand {
        switch kind {
        case 1: return .configure(hostID: try readString("host name"), settings: try readBlob("settings"))
        case 2: return .grant(try readGrant())
        case 3:
            let count = try readCount("number of requests")
            var dispatches: [Dispatch] = []
            for _ in 0..<count { dispatches.append(try readDispatch()) }
            return .dispatch(dispatches)
        case 4: return .caughtUp(assignment: try readSigned("assignment"))
        case 5:
            let assignments = try readIntegers("assignments")
            return .revoke(assignments: assignments, grace: try readDuration("grace"))
        case 6: return .lose(assignments: try readIntegers("assignments"))
        case 7:
            let count = try readCount("number of stops")
            var stops: [StopAhead] = []
            for _ in 0..<count { stops.append(try readStopAhead()) }
            return .stopAhead(stops)
        case 8: return .askVitals
        case 9: return .adjust(try readTuning())
        case 10: return .pause(assignments: try readIntegers("assignments"))
        case 11: return .resume(assignments: try readIntegers("assignments"))
        case 12:
            let count = try readCount("number of parked sessions")
            var sessions: [ParkedSession] = []
            for _ in 0..<count { sessions.append(try readParkedSession()) }
            return .park(sessions)
        default: throw FrameError(.unknownKind, "There is no command of kind \(kind).")
        }
    }

    fileprivate mutating func readReport(kind: UInt8) throws(FrameError) -> HostReport {
        switch kind {
        case 65: return .ready
        case 66: return .began(entries: try readIntegers("entries"))
        case 67: return .settled(entries: try readIntegers("entries"))
        case 68: return .yielded(assignments: try readIntegers("assignments"))
        case 69: return .fenced(assignment: try readSigned("assignment"))
        case 70: return .vitals(try readVitals())
        case 71: return .counted(try readBlob("counts"))
        default: throw FrameError(.unknownKind, "There is no report of kind \(kind).")
        }
    }
}
