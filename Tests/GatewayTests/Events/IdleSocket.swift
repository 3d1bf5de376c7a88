import Foundation

/// A connection whose client reads only when it is told to, so that what it is sent stays in the sockets.
///
/// Its calls block, so each is made on a thread of its own.
struct IdleSocket: Sendable {
    struct Failure: Error {
        let code: Int32
    }

    private let descriptor: Int32

    /// Connects to loopback and sends `request` as it is.
    init(port: Int, _ request: String) throws {
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        var size: Int32 = 8 << 10
        setsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, &size, socklen_t(MemoryLayout<Int32>.size))
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = UInt16(port).bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        let connected = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        let bytes = Array(request.utf8)
        guard connected == 0, send(descriptor, bytes, bytes.count, 0) == bytes.count else {
            let failure = Failure(code: errno)
            Foundation.close(descriptor)
            throw failure
        }
    }

    /// Reads until the server closes the connection, or breaks it.
    /// - Returns: the last of what it sent.
    func readToEnd() async -> String {
        await withCheckedContinuation { continuation in
            Thread {
                var last: [UInt8] = []
                var buffer = [UInt8](repeating: 0, count: 64 << 10)
                while true {
                    let count = recv(descriptor, &buffer, buffer.count, 0)
                    guard count > 0 else { break }
                    last = Array((last + buffer[..<count]).suffix(4_000))
                }
                continuation.resume(returning: String(decoding: last, as: UTF8.self))
            }.start()
        }
    }

    func close() { Foundation.close(descriptor) }
}
