/// Why a run ended without settling its turn, as far as a budget of attempts is concerned.
package enum RunEnd: String, Hashable, Sendable, CaseIterable {
    case crashed
    case outOfMemory = "out-of-memory"
    case handover
    case unknown
}
