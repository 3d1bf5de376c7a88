import Conversation
import Kafka
import SessionStore
import Testing
import TestSupport
import TurnHost

@Suite("Frames of the border")
struct FrameCodecTests {
    static let record = KafkaRecord(
        topic: "chat.requests", partition: 3, offset: 42, timestamp: -1, key: Array("s".utf8),
        value: Array(#"{"type":"message","text":"hello \u00e9"}"#.utf8),
        headers: [
            KafkaHeader(name: "traceparent", value: Array("00-1".utf8)), KafkaHeader(name: "empty", value: []),
            KafkaHeader(name: "null", value: nil), KafkaHeader(name: "null", value: [0, 255]),
        ])

    static func dispatch(death: HostDeath?) throws -> Dispatch {
        Dispatch(
            entry: .max, assignment: 7, session: "sé", record: record, request: try record.decodedRequest(),
            death: death)
    }

    static func commands() throws -> [HostCommand] {
        let deaths: [HostDeath?] =
            [nil]
            + RunEnd.allCases.map {
                HostDeath(kind: $0, cause: "SIGSEGV", hostID: "host-1", isInCompany: $0 == .outOfMemory)
                    .following(HostDeath(kind: .handover, cause: "stopped", hostID: "host-0"))
            }
        return [
            .configure(hostID: "host-1", settings: [0, 1, 255]),
            .grant(
                PartitionGrant(
                    assignment: 5, log: LogIdentity(cluster: "c", topic: "t", partition: 2, epoch: 3),
                    fence: Fence(group: "g", cluster: "c", topic: "t", partition: 2, token: 9), endOffset: 1 << 40)),
            .dispatch(try deaths.map { try dispatch(death: $0) }), .dispatch([]), .caughtUp(assignment: -1),
            .revoke(assignments: [1, 2, .min, .max], grace: .milliseconds(2_500)), .lose(assignments: []),
            .stopAhead([
                StopAhead(assignment: 7, session: "sé", offset: .max, reason: "", idempotencyKey: nil),
                StopAhead(
                    assignment: -1, session: "", offset: 0, reason: nil, idempotencyKey: "kéy",
                    forwardedFrom: "requests-0-7"),
            ]), .stopAhead([]),
            .adjust(HostTuning(concurrency: .max, crashAttempts: 1, outOfMemoryAttempts: 0)),
            .pause(assignments: [3, -1]), .resume(assignments: []), .park([]),
            .park([
                ParkedSession(session: "sé", reason: "why\u{0}", since: .min),
                ParkedSession(session: "", reason: "", since: .max, isReleasing: true),
            ]),
        ]
    }

    static let reports: [HostReport] = [
        .ready, .began(entries: [1, 300, .max]), .settled(entries: []), .yielded(assignments: [4]),
        .fenced(assignment: 12),
    ]

    private func body(_ frame: [UInt8]) -> [UInt8] { Array(frame.dropFirst(4)) }

    @Test("Every command and every report comes back as it was")
    func roundTrip() throws {
        for command in try Self.commands() {
            #expect(try FrameCodec.decodeCommand(body(FrameCodec.encode(command))) == command)
        }
        for report in Self.reports {
            #expect(try FrameCodec.decodeReport(body(FrameCodec.encode(report))) == report)
        }
    }

    @Test("Frames are found again however the stream is cut")
    func splitting() throws {
        let seed = testSeed()
        var random = SeededGenerator(seed: seed)
        let frames = try Self.commands().map { FrameCodec.encode($0) }
        let stream = frames.flatMap { $0 }
        for _ in 0..<50 {
            var splitter = FrameSplitter()
            var found: [[UInt8]] = []
            var position = 0
            while position < stream.count {
                let count = min(Int.random(in: 1...40, using: &random), stream.count - position)
                splitter.append(stream[position..<position + count])
                position += count
                while let frame = try splitter.next() { found.append(frame) }
            }
            try splitter.finish()
            #expect(found == frames.map(body), "CARRYON_TEST_SEED=\(seed)")
        }
    }

    @Test("A frame that is cut short anywhere is refused")
    func truncated() throws {
        for command in try Self.commands() {
            let whole = body(FrameCodec.encode(command))
            for length in 0..<whole.count {
                #expect(throws: FrameError.self) { try FrameCodec.decodeCommand(Array(whole.prefix(length))) }
            }
        }
    }

    @Test("Another version, an unknown kind, trailing bytes and an oversized length are named")
    func namedErrors() throws {
        func code(_ frame: [UInt8]) -> FrameError.Code? {
            do throws(FrameError) {
                _ = try FrameCodec.decodeReport(frame)
                return nil
            } catch { return error.code }
        }
        let version = FrameCodec.version
        #expect(code([version + 1, 65]) == .unsupportedVersion)
        #expect(code([version, 200]) == .unknownKind)
        #expect(code([version, 1]) == .unknownKind, "a command is no report")
        #expect(code([version, 65, 0]) == .trailingBytes)
        #expect(code([version]) == .truncated)
        #expect(code([version, 66, 0xFF, 0xFF, 0x03]) == .truncated, "a count that the frame cannot hold")
        #expect(code([version, 69] + Array(repeating: 0xFF, count: 12)) == .malformed, "an endless integer")

        var splitter = FrameSplitter(maximumLength: 10)
        splitter.append([0, 0, 0, 11])
        #expect(throws: FrameError.self) { try splitter.next() }
        var unfinished = FrameSplitter()
        unfinished.append([0, 0])
        #expect(throws: FrameError.self) { try unfinished.finish() }
    }

    @Test("A request that is none breaks the frame that holds it")
    func undecodableRequest() throws {
        var dispatch = try Self.dispatch(death: nil)
        dispatch.record.value = nil
        let frame = body(FrameCodec.encode(HostCommand.dispatch([dispatch])))
        #expect(throws: FrameError.self) { try FrameCodec.decodeCommand(frame) }
    }

    @Test("Garbage and mutated frames are decoded or refused, and never trap")
    func fuzz() throws {
        let seed = testSeed()
        var random = SeededGenerator(seed: seed)
        let frames = try Self.commands().map { FrameCodec.encode($0) } + Self.reports.map { FrameCodec.encode($0) }
        var refused = 0
        for round in 0..<20_000 {
            var frame: [UInt8]
            if round.isMultiple(of: 4) {
                frame = (0..<Int.random(in: 0...60, using: &random)).map { _ in
                    .random(in: .min ... .max, using: &random)
                }
                if frame.count > 1 {
                    (frame[0], frame[1]) = (FrameCodec.version, [1, 2, 3, 4, 5, 6, 7, 65, 66, 67, 68, 69][round % 12])
                }
            } else {
                frame = body(frames[round % frames.count])
                for _ in 0..<Int.random(in: 1...3, using: &random) {
                    let index = Int.random(in: frame.indices, using: &random)
                    switch Int.random(in: 0..<3, using: &random) {
                    case 0: frame[index] = .random(in: .min ... .max, using: &random)
                    case 1: frame.insert(.random(in: .min ... .max, using: &random), at: index)
                    default: if frame.count > 1 { frame.remove(at: index) }
                    }
                }
            }
            do { _ = try FrameCodec.decodeCommand(frame) } catch { refused += 1 }
            do { _ = try FrameCodec.decodeReport(frame) } catch { refused += 1 }
        }
        #expect(refused > 20_000, "CARRYON_TEST_SEED=\(seed)")
    }
}
