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

    /// The turn host that works at the most requests: to kill an idle one shows nothing.
    private func busiestHost() async -> Int32? {
        let children = turnHosts()
        // A machine that is busy with everything else too may well take a while to say.
        let worker = WorkerStatuses(addresses: [workerAddress], timeout: .seconds(15))
        let hosts = await worker.all().first?.objectValue?["hosts"]?.arrayValue ?? []
        let working = hosts.compactMap(\.objectValue).compactMap { host -> (process: Int32, requests: Int)? in
            guard let process = host["process"]?.int.flatMap({ Int32(exactly: $0) }), children.contains(process) else {
                return nil
            }
            // What the worker has handed over is known as of now, what the host says of itself is a second old.
            return (process, host["held"]?.int ?? 0)
        }
        return working.max { $0.requests < $1.requests }?.process ?? children.first
    }

    /// - Returns: whether there was such a process.
    private func kill(_ process: Int32?) -> Bool { process.map { Glibc.kill($0, SIGKILL) == 0 } ?? false }
}
