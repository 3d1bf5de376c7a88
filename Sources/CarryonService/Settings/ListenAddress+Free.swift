import NIOCore
import NIOPosix

extension ListenAddress {
    /// Itself, or the same host with a free port if somebody listens there already.
    var unlessTaken: ListenAddress {
        for port in [port, 0] {
            guard
                let channel = try? ServerBootstrap(group: .singletonMultiThreadedEventLoopGroup)
                    .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
                    .bind(host: host, port: port).wait()
            else { continue }
            let found = channel.localAddress?.port ?? port
            try? channel.close().wait()
            return ListenAddress(host: host, port: found)
        }
        return self
    }
}
