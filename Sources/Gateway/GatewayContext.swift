import Hummingbird
import NIOCore

/// What is known of one call.
struct GatewayContext: RequestContext {
    var coreContext: CoreRequestContextStorage
    /// Who calls; set before a route is asked.
    var caller = Caller.nobody
    /// Where the call comes from, without the port.
    let remoteAddress: String?

    /// The connection.
    let channel: any Channel

    init(source: ApplicationRequestContextSource) {
        coreContext = CoreRequestContextStorage(source: source)
        channel = source.channel
        remoteAddress = source.channel.remoteAddress?.ipAddress
    }
}
