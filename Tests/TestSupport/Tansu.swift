internal import Foundation
package import Kafka
internal import Logging

/// A real broker: a process of its own that speaks Kafka over TCP, with a relay in front of it. It keeps everything in
/// memory and is killed at the end, also when the test process dies.
package final class Tansu: Sendable {
    package struct NotReady: Error, CustomStringConvertible {
        package let description: String
    }

    /// Whether there is a broker to start; for `.enabled(if:)`.
    package static var isAvailable: Bool { (try? TansuExecutable.find()) != nil }

    /// What a consumer of this broker should be told: a join takes half the session timeout, and with short waits long
    /// partitions deliver nothing.
    package static let consumerProperties: KafkaProperties = [
        "session.timeout.ms": "6000", "heartbeat.interval.ms": "500", "fetch.wait.max.ms": "50",
        "auto.offset.reset": "earliest",
    ]

    /// Cuts and stalls what goes between the clients and the broker.
    package let relay: BrokerRelay

    private let process: BrokerProcess
    private let executable: String

    /// Starts a broker and waits until it answers.
    /// - Parameter topics: the number of partitions of each topic to create.
    /// - Throws: `NotReady` at the deadline, or if there is no executable.
    package static func start(topics: [String: Int] = [:], timeout: Duration = .seconds(60)) async throws -> Tansu {
        let executable = try TansuExecutable.find()
        let deadline = ContinuousClock.now.advanced(by: timeout)
        // Another process may take the free port first; then there is another.
        while true {
            let broker = try await Tansu(executable: executable)
            if try await broker.becomesReady(before: deadline) {
                for (topic, partitions) in topics { try await broker.createTopic(topic, partitions: partitions) }
                return broker
            }
            guard ContinuousClock.now < deadline else {
                throw NotReady(description: "The broker \(executable) did not answer within \(timeout).")
            }
        }
    }

    private init(executable: String) async throws {
        self.executable = executable
        let port = try LoopbackSocket.freePort()
        relay = try BrokerRelay(toPort: port)
        process = try await BrokerProcess.start(
            executable,
            [
                "broker", "--listener-url", "tcp://127.0.0.1:\(port)", "--advertised-listener-url",
                "tcp://\(relay.address)", "--storage-engine", "memory://tansu/", "--silent",
            ])
    }

    deinit {
        end()
    }

    /// For `bootstrap.servers`: the relay's address.
    package var bootstrapServers: String { relay.address }

    /// Freezes the broker: connections stay, nothing is answered.
    package func stop() {
        process.signal(SIGSTOP)
    }

    /// Ends `stop`.
    package func resume() {
        process.signal(SIGCONT)
    }

    /// Kills the broker, with all it holds. May be called again.
    package func end() {
        process.signal(SIGKILL)
        relay.close()
    }

    /// Whether the process runs, also while it is stopped.
    package var isRunning: Bool { process.status == nil }

    package func createTopic(_ name: String, partitions: Int) async throws {
        let admin = try admin()
        do {
            try await admin.createTopic(name: name, partitions: partitions)
        } catch {
            await admin.close()
            throw error
        }
        await admin.close()
    }

    /// False if the process ended by itself, or at the deadline.
    private func becomesReady(before deadline: ContinuousClock.Instant) async throws -> Bool {
        let admin = try admin()
        defer { Task { await admin.close() } }
        while ContinuousClock.now < deadline, isRunning {
            if (try? await admin.topics(timeout: .milliseconds(500))) != nil { return true }
            try await Task.sleep(for: .milliseconds(10))
        }
        return false
    }

    private func admin() throws -> KafkaAdmin {
        try KafkaAdmin(
            [
                "bootstrap.servers": bootstrapServers, "reconnect.backoff.ms": "10", "reconnect.backoff.max.ms": "50",
                "log_level": "0",
            ],
            logger: Logger(label: "tansu", factory: { _ in SwiftLogNoOpLogHandler() }))
    }
}
