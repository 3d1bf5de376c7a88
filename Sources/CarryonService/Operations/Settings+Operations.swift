import Gateway
import Logging

extension Settings {
    /// What the gateway shows an operator.
    /// - Parameters:
    ///   - workers: the admin addresses of the workers that are asked.
    ///   - kill: kills a process of `carryon dev`.
    func operations(
        workers: [ListenAddress], logger: Logger, kill: (@Sendable (GatewayOperations.Victim) async -> Bool)? = nil
    ) -> GatewayOperations {
        let statuses = WorkerStatuses(addresses: workers)
        let letters = OpenLetters(settings: self, logger: logger)
        return GatewayOperations(
            workers: { await statuses.all() }, deadLetters: { await letters.current() }, kill: kill)
    }
}
