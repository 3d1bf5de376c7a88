import Gateway
import Glibc
import Kafka
import Logging

extension DevelopmentService {
    /// What the page of `carryon dev` shows an operator, and lets a visitor kill.
    func operations(logger: Logger) -> GatewayOperations {
        var settings = settings
        // The dead letters are on the broker of this process.
        settings.kafka["bootstrap.servers"] = broker.bootstrapServers
        settings.kafka["fetch.wait.max.ms"] = settings.kafka["fetch.wait.max.ms"] ?? "20"
        return settings.operations(workers: [workerAddress], logger: logger) { victim in
            switch victim {
            case .worker: kill(worker.processID)
            case .host: kill(turnHosts().first)
            }
        }
    }

    /// - Returns: whether there was such a process.
    private func kill(_ process: Int32?) -> Bool { process.map { Glibc.kill($0, SIGKILL) == 0 } ?? false }
}
