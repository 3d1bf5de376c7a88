import Conversation
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
            case .host: kill(await busiestHost())
            }
        }
    }

    /// The turn host with the most running turns: to kill an idle one shows nothing.
    private func busiestHost() async -> Int32? {
        let children = turnHosts()
        let status = await WorkerStatuses(addresses: [workerAddress]).all().first?.objectValue
        let hosts = (status?["hosts"]?.arrayValue ?? []).compactMap(\.objectValue)
        let running = hosts.compactMap { host -> (process: Int32, turns: Int)? in
            guard let process = host["process"]?.int.flatMap({ Int32(exactly: $0) }), children.contains(process) else {
                return nil
            }
            return (process, host["running"]?.int ?? 0)
        }
        return running.max { $0.turns < $1.turns }?.process ?? children.first
    }

    /// - Returns: whether there was such a process.
    private func kill(_ process: Int32?) -> Bool { process.map { Glibc.kill($0, SIGKILL) == 0 } ?? false }
}
