import Conversation
import LanguageModels
import Synchronization
import Testing

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

@Suite("Scripted model: faults")
struct ScriptedModelFaultTests {
    /// The signals that a model would have sent to its process.
    private final class Signals: Sendable {
        private let signals = Mutex<[Int32]>([])
        var all: [Int32] { signals.withLock { $0 } }
        func model() -> ScriptedModel {
            ScriptedModel(faultInjection: true) { signal in self.signals.withLock { $0.append(signal) } }
        }
    }

    @Test(
        "A crash sends the signal of its name, with and without SIG",
        arguments: [
            ("SEGV", SIGSEGV), ("SIGSEGV", SIGSEGV), ("kill", SIGKILL), ("SIGTERM", SIGTERM), ("ABRT", SIGABRT),
            ("STOP", SIGSTOP),
        ])
    func crash(name: String, signal: Int32) async throws {
        let signals = Signals()
        _ = try await signals.model().call("#script\nsay a\ncrash \(name)")
        #expect(signals.all == [signal])
    }

    @Test("A crash up to a run spares the runs behind it", arguments: [(1, 1), (2, 1), (3, 0), (4, 0)])
    func crashUpTo(run: Int, expected: Int) async throws {
        let signals = Signals()
        let call = try await signals.model().call("#script\ncrash SEGV upto 2\nsay a", run: run)
        #expect(signals.all.count == expected)
        #expect(call.response.finishReason == .stop)
    }

    @Test("A crash that lies before the point reached does not happen again")
    func crashIsPast() async throws {
        let signals = Signals()
        let begun = Message(id: "a", role: .assistant, parts: [.text("one"), .text(TextPart("", state: .streaming))])
        _ = try await signals.model().call("#script\nsay one\ncrash SEGV\nsay two", continuation: begun)
        #expect(signals.all.isEmpty)
        let cutBefore = Message(id: "a", role: .assistant, parts: [.text(TextPart("one", state: .streaming))])
        _ = try await signals.model().call("#script\nsay one\ncrash SEGV\nsay two", continuation: cutBefore)
        #expect(signals.all == [SIGSEGV])
    }

    @Test("Memory is taken page by page and held until the answer ends")
    func allocate() async {
        // In a process of its own, where nothing else takes memory meanwhile.
        await #expect(processExitsWith: .success) {
            let before = memoryInUse().resident
            let during = Mutex(0)
            let question = Message.user(id: "q", text: "#script\nallocate 64MiB\nallocate 100KB\nsay a")
            _ = try await ScriptedModel(faultInjection: true).generate(ModelRequest(messages: [question])) { _ in
                during.withLock { $0 = memoryInUse().resident }
            }
            let taken = during.withLock { $0 } - before
            #expect(taken >= 64 << 20 && taken < 96 << 20)
            #expect(memoryInUse().resident - before < 32 << 20)
        }
    }

    @Test("Memory is taken only in the runs that it is meant for")
    func allocateUpTo() async throws {
        let signals = Signals()
        // More than any machine has: were it taken, the process would be gone.
        let call = try await signals.model().call("#script\nallocate 1000TiB upto 1\nsay a", run: 2)
        #expect(call.chunks.count == 3)
        #expect(signals.all.isEmpty)
    }

    @Test("A crash really ends the process with its signal")
    func crashEndsTheProcess() async {
        await #expect(processExitsWith: .signal(SIGKILL)) {
            _ = try await ScriptedModel(faultInjection: true).call("#script\nsay a\ncrash KILL")
            exit(0)
        }
        await #expect(processExitsWith: .signal(SIGTERM)) {
            _ = try await ScriptedModel(faultInjection: true).call("#script\ncrash SIGTERM")
            // Sent to the process, the signal may be taken by another thread a moment later.
            try await Task.sleep(for: .seconds(20))
        }
        await #expect(processExitsWith: .signal(SIGABRT)) {
            _ = try await ScriptedModel(faultInjection: true).call("#script\ncrash ABRT")
            exit(0)
        }
        await #expect(processExitsWith: .signal(SIGSEGV)) {
            _ = try await ScriptedModel(faultInjection: true).call("#script\ncrash SEGV")
            exit(0)
        }
    }

    @Test("A limit that refuses memory ends the process as one that kills")
    func refusedMemory() async {
        await #expect(processExitsWith: .signal(SIGKILL)) {
            var limit = rlimit()
            getrlimit(limitOfAddressSpace, &limit)
            limit.rlim_cur = rlim_t(memoryInUse().reserved + (64 << 20))
            setrlimit(limitOfAddressSpace, &limit)
            _ = try await ScriptedModel(faultInjection: true).call("#script\nallocate 2GiB")
            exit(0)
        }
    }
}

#if canImport(Glibc)
    private let limitOfAddressSpace = __rlimit_resource_t(RLIMIT_AS.rawValue)
#else
    private let limitOfAddressSpace = RLIMIT_AS
#endif

/// The bytes of this process's address space, and those of them that are really there.
private func memoryInUse() -> (reserved: Int, resident: Int) {
    guard let file = fopen("/proc/self/statm", "r") else { return (0, 0) }
    defer { fclose(file) }
    var line = [CChar](repeating: 0, count: 256)
    guard fgets(&line, Int32(line.count), file) != nil else { return (0, 0) }
    let text = String(decoding: line.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    let pages = text.split(separator: " ").prefix(2).compactMap { Int($0) }
    guard pages.count == 2 else { return (0, 0) }
    return (pages[0] * Int(getpagesize()), pages[1] * Int(getpagesize()))
}
