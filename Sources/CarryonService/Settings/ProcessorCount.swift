import Foundation

/// How many processors this process may use.
enum ProcessorCount {
    static var available: Int { max(1, ProcessInfo.processInfo.activeProcessorCount) }
}
