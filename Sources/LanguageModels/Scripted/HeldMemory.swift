#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// Memory that is taken for the sake of having it. The one who makes it releases it.
final class HeldMemory {
    private var blocks: [UnsafeMutableRawBufferPointer] = []

    /// How much one ``take(_:)`` takes at most, so that the limit strikes close to where it lies.
    static let blockSize = 1 << 20

    private(set) var byteCount = 0

    /// Takes memory and writes to all of it: pages that were never touched do not count against any limit.
    ///
    /// - Returns: whether the system gave it.
    func take(_ byteCount: Int) -> Bool {
        // Mapped rather than allocated, so that all of it goes back to the system afterwards.
        let address = mmap(nil, byteCount, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
        guard let address, address != MAP_FAILED else { return false }
        memset(address, 0xA5, byteCount)
        blocks.append(UnsafeMutableRawBufferPointer(start: address, count: byteCount))
        self.byteCount += byteCount
        return true
    }

    /// Gives everything back.
    func release() {
        for block in blocks { munmap(block.baseAddress, block.count) }
        blocks = []
        byteCount = 0
    }
}
