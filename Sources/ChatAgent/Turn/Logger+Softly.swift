import Logging

extension Logger {
    /// Calls a hook whose error changes nothing but what it says.
    /// - Parameters:
    ///   - hook: what is called, for the log.
    ///   - consequence: what an error means, for the log.
    /// - Returns: what `body` returned; `nil` if it threw, which is logged.
    @discardableResult
    func softly<Value>(_ hook: String, _ consequence: String, _ body: () async throws -> Value) async -> Value? {
        do {
            return try await body()
        } catch {
            warning("\(hook) failed; \(consequence)", metadata: ["error": "\(error)"])
            return nil
        }
    }
}
