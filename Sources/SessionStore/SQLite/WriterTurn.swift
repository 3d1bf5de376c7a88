import Foundation

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Lets the processes that write to one database file take turns.
///
/// SQLite's own answer to a second writer is to sleep and try again, up to 100 ms at a time. An advisory lock wakes the
/// next writer at once, and the kernel lets go of it when its holder dies.
///
/// There are two locks: whoever wants to write first waits in line, and leaves the line with the turn in hand. With one
/// lock, a busy writer would take it again before those it has just woken get to run.
final class WriterTurn: Sendable {
    private let line: Int32
    private let turn: Int32

    init(databasePath: String) throws(WriterTurnError) {
        line = try Self.open(databasePath + ".line")
        do throws(WriterTurnError) {
            turn = try Self.open(databasePath + ".turn")
        } catch {
            close(line)
            throw error
        }
    }

    deinit {
        close(line)
        close(turn)
    }

    /// Blocks the calling thread until this process may write.
    func take() throws(WriterTurnError) {
        try Self.lock(line)
        defer { flock(line, LOCK_UN) }
        try Self.lock(turn)
    }

    func give() {
        flock(turn, LOCK_UN)
    }

    private static func open(_ path: String) throws(WriterTurnError) -> Int32 {
        // Close on exec: a child process that inherited the descriptor would hold the lock beyond our death.
        #if canImport(Glibc)
            let descriptor = Glibc.open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o644)
        #elseif canImport(Musl)
            let descriptor = Musl.open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o644)
        #else
            let descriptor = Darwin.open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o644)
        #endif
        guard descriptor >= 0 else { throw WriterTurnError(action: "opening \(path)", number: errno) }
        return descriptor
    }

    private static func lock(_ descriptor: Int32) throws(WriterTurnError) {
        while flock(descriptor, LOCK_EX) != 0 {
            guard errno == EINTR else { throw WriterTurnError(action: "locking the database", number: errno) }
        }
    }
}

struct WriterTurnError: Error, CustomStringConvertible {
    let action: String
    let number: Int32

    var description: String { "\(action): \(String(cString: strerror(number)))" }
}
