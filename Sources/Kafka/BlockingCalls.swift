internal import Dispatch

/// Runs librdkafka's blocking calls beside Swift's cooperative pool.
struct BlockingCalls: Sendable {
    private let queue: DispatchQueue

    /// - Parameter isSerial: one call at a time, on a thread that no other queue keeps from it.
    init(label: String, isSerial: Bool = false) {
        queue = isSerial ? DispatchQueue(label: label) : DispatchQueue(label: label, attributes: .concurrent)
    }

    /// Runs without waiting for it: for what a deinitialiser leaves to be done.
    func start(_ body: @escaping @Sendable () -> Void) {
        queue.async(execute: body)
    }

    func run<Result: Sendable>(
        _ body: @escaping @Sendable () throws(KafkaError) -> Result
    ) async throws(KafkaError) -> Result {
        let result: Swift.Result<Result, KafkaError> = await withCheckedContinuation { continuation in
            queue.async {
                do throws(KafkaError) {
                    continuation.resume(returning: .success(try body()))
                } catch {
                    continuation.resume(returning: .failure(error))
                }
            }
        }
        return try result.get()
    }
}
