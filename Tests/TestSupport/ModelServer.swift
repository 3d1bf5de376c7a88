internal import Foundation

/// A stand-in for a provider of language models that somebody else wrote: a process of its own on loopback, from the
/// repository's `.venv`. It is killed at the end, also when the test process dies.
package final class ModelServer: Sendable {
    package struct NotReady: Error, CustomStringConvertible {
        package let description: String
    }

    /// Whether a program is installed; for `.enabled(if:)`.
    package static func isAvailable(_ program: String) -> Bool {
        FileManager.default.isExecutableFile(atPath: PythonEnvironment.path(of: program))
    }

    package let port: UInt16
    private let process: BrokerProcess

    /// Starts a program and waits until it listens.
    /// - Parameter arguments: the program's, given the port that it is to listen on.
    /// - Throws: `NotReady` at the deadline.
    package static func start(
        _ program: String, timeout: Duration = .seconds(60), _ arguments: (UInt16) -> [String]
    ) async throws -> ModelServer {
        let port = try LoopbackSocket.freePort()
        let process = try await BrokerProcess.start(PythonEnvironment.path(of: program), arguments(port))
        let server = ModelServer(port, process)
        let deadline = ContinuousClock.now.advanced(by: timeout)
        while ContinuousClock.now < deadline, process.status == nil {
            if let descriptor = try? LoopbackSocket.connect(port: port) {
                close(descriptor)
                return server
            }
            try await Task.sleep(for: .milliseconds(50))
        }
        throw NotReady(description: "The model server \(program) did not listen within \(timeout).")
    }

    private init(_ port: UInt16, _ process: BrokerProcess) {
        self.port = port
        self.process = process
    }

    deinit {
        end()
    }

    package var url: String { "http://127.0.0.1:\(port)" }

    /// Kills the server. May be called again.
    package func end() {
        process.signal(SIGKILL)
    }
}
