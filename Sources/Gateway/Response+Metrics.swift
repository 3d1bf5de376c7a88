package import Hummingbird
import HTTPTypes
import NIOCore
package import Telemetry

extension Response {
    /// What is counted in this process, in the form that `request` asks for.
    /// - Parameter samples: what there is at the moment besides.
    package init(_ metrics: MetricsRegistry, _ samples: [MetricSample], for request: Request) {
        let format = PrometheusText.Format(accept: request.headers[.accept])
        self.init(
            status: .ok, headers: [.contentType: format.contentType, .cacheControl: "no-store"],
            body: ResponseBody(byteBuffer: ByteBuffer(string: PrometheusText.render(metrics, samples, as: format))))
    }
}
