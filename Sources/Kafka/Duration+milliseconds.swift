extension Duration {
    /// Whole milliseconds, rounded up and kept within what librdkafka's `int` timeouts take.
    var milliseconds: Int32 {
        let (seconds, attoseconds) = components
        if seconds > Int64(Int32.max) / 1_000 { return .max }
        if seconds < 0 { return 0 }
        return Int32(clamping: seconds * 1_000 + (attoseconds + 999_999_999_999_999) / 1_000_000_000_000_000)
    }
}
