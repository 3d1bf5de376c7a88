extension String {
    /// The text in a fixed buffer that C filled, up to its first zero; damaged UTF-8 is repaired.
    init(nulTerminated buffer: [CChar]) {
        self.init(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}
