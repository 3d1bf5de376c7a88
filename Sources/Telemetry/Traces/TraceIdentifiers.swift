import Synchronization

/// Numbers for traces and spans: other ones in every process, and none twice in one. A few nanoseconds each, where the
/// system's random numbers are a call of the system each.
enum TraceIdentifiers {
    // SplitMix64 (Steele, Lea, Flood: Fast splittable pseudorandom number generators): each state occurs once, and each
    // state has an output of its own.
    private static let state = Atomic<UInt64>(.random(in: .min ... .max))
    private static let process = UInt64.random(in: .min ... .max)

    /// Not 0.
    static func next() -> UInt64 {
        while true {
            let number = mixed(state.wrappingAdd(0x9E37_79B9_7F4A_7C15, ordering: .relaxed).newValue)
            if number != 0 { return number }
        }
    }

    static func nextTrace() -> TraceContext.TraceID {
        TraceContext.TraceID(high: mixed(next() ^ process), low: next())
    }

    private static func mixed(_ value: UInt64) -> UInt64 {
        var mixed = value
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}
