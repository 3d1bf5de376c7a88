/// Why a run ended without settling its turn, as far as a budget of attempts is concerned.
package enum RunEnd: String, Hashable, Sendable, CaseIterable {
    case crashed
    case outOfMemory = "out-of-memory"
    /// Its host crashed with runs of several sessions in it: nobody knows yet which of them it was.
    case crashedInCompany = "crashed-in-company"
    /// Its host ran out of memory with runs of several sessions in it.
    case outOfMemoryInCompany = "out-of-memory-in-company"
    case handover
    case unknown

    /// Whether a budget counts it: one that may well have been another session's doing, or nobody's, is free.
    package var isCharged: Bool {
        switch self {
        case .crashed, .outOfMemory, .unknown: true
        case .crashedInCompany, .outOfMemoryInCompany, .handover: false
        }
    }
}
