internal import CRdkafka

#if canImport(Glibc)
    internal import Glibc
#else
    internal import Darwin
#endif

/// A thread for calls that block, which must not hold up Swift's cooperative pool. It ends when its body returns.
package enum DedicatedThread {
    private final class Body: Sendable {
        let run: @Sendable () -> Void

        init(_ run: @escaping @Sendable () -> Void) {
            self.run = run
        }
    }

    /// Starts a detached thread.
    /// - Parameter name: shown by tools such as `top -H`; the system keeps its first 15 bytes.
    /// - Throws: the system's refusal, when it has no more threads to give.
    package static func start(
        name: String, operation: String, _ body: @escaping @Sendable () -> Void
    ) throws(KafkaError) {
        let argument = Unmanaged.passRetained(
            Body {
                carryon_name_thread(name)
                body()
            })
        #if canImport(Glibc)
            var thread = pthread_t()
        #else
            var thread: pthread_t?
        #endif
        let status = pthread_create(&thread, nil, Self.main, argument.toOpaque())
        guard status == 0 else {
            argument.release()
            throw KafkaError(
                code: KafkaError.Code.failed, operation: operation,
                reason: "no thread to be had: \(String(cString: strerror(status)))")
        }
        #if canImport(Glibc)
            pthread_detach(thread)
        #else
            if let thread { pthread_detach(thread) }
        #endif
    }

    #if canImport(Glibc)
        private static let main: @convention(c) (UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? = { argument in
            run(argument)
            return nil
        }
    #else
        private static let main: @convention(c) (UnsafeMutableRawPointer) -> UnsafeMutableRawPointer? = { argument in
            run(argument)
            return nil
        }
    #endif

    private static func run(_ argument: UnsafeMutableRawPointer?) {
        guard let argument else { return }
        Unmanaged<Body>.fromOpaque(argument).takeRetainedValue().run()
    }
}
