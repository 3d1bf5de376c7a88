import AsyncHTTPClient
import Conversation
import Foundation
import NIOCore
import NIOHTTP1
import NIOPosix

/// One call of a provider: a request, and the events of its answer.
struct ModelExchange: Sendable {
    let endpoint: ModelEndpoint
    let path: String
    let headers: [(name: String, value: String)]
    let body: [UInt8]
    let timeouts: ModelTimeouts

    /// How much of a refusal is read.
    private static let refusalBytes = 64 << 10
    /// How large an answer may be that comes in one piece.
    private static let wholeBytes = 16 << 20

    /// Sends the request and lets `read` read the answer.
    ///
    /// The network is read in a task of its own, which holds the connection. It has ended when this returns or throws;
    /// a cancelled caller, an error of `read` and a timeout all end it at once.
    /// - Throws: ``ProviderFailure``, `CancellationError`, and what `read` throws.
    func perform<Result>(_ read: (inout AnswerEvents) async throws -> Result) async throws -> Result {
        let handOver = HandOver<[ServerSentEvent]>()
        let watch = StreamWatch(timeouts)
        do {
            return try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask {
                    do {
                        try await receive(into: handOver, watch)
                        handOver.end()
                    } catch {
                        handOver.end(error)
                    }
                }
                group.addTask {
                    let reason = try await watch.overdue()
                    handOver.end(failure(reason))
                }
                defer {
                    handOver.end(CancellationError())
                    group.cancelAll()
                }
                var events = AnswerEvents(handOver, watch)
                return try await read(&events)
            }
        } catch {
            // Whatever a cancellation has torn down looks like a failure of something.
            try Task.checkCancellation()
            throw error
        }
    }

    private func receive(into handOver: HandOver<[ServerSentEvent]>, _ watch: StreamWatch) async throws {
        do {
            let client = ModelClients.client(connectTimeout: timeouts.connect)
            let response = try await client.execute(request, deadline: .distantFuture)
            guard response.status.code == 200 else { throw await refusal(response) }
            if response.headers.first(name: "content-type")?.lowercased().contains("json") == true {
                let whole = try await response.body.collect(upTo: Self.wholeBytes)
                try Task.checkCancellation()
                watch.pause()
                return try await handOver.send([ServerSentEvent(data: Array(whole.readableBytesView))])
            }
            var parser = ServerSentEventParser()
            for try await buffer in response.body {
                watch.pause()
                let events = try parser.feed(buffer.readableBytesView).filter { $0.name != "ping" }
                if !events.isEmpty {
                    watch.answerBegan()
                    try await handOver.send(events)
                }
                watch.resume()
            }
            // A body that breaks off because the task was cancelled looks like one that has ended.
            try Task.checkCancellation()
            watch.pause()
            if let last = try parser.finish() { try await handOver.send([last]) }
        } catch let failure as ProviderFailure {
            throw failure
        } catch let error as CancellationError {
            throw error
        } catch is ServerSentEventParser.TooLarge {
            throw failure("sent an event that is larger than it may be")
        } catch is NIOTooManyBytesError {
            throw failure("sent an answer that is larger than it may be")
        } catch {
            throw failure("could not be heard to the end: \(ConnectionFailure.words(for: error))")
        }
    }

    private var request: HTTPClientRequest {
        var request = HTTPClientRequest(url: endpoint.baseURL + path)
        request.method = .POST
        request.headers.add(name: "Content-Type", value: "application/json")
        request.headers.add(name: "Accept", value: "text/event-stream, application/json")
        for (name, value) in headers { request.headers.add(name: name, value: value) }
        request.body = .bytes(ByteBuffer(bytes: body))
        return request
    }

    private func refusal(_ response: HTTPClientResponse) async -> ProviderFailure {
        let body = try? await response.body.collect(upTo: Self.refusalBytes)
        let reported = body.flatMap { try? JSON(parsing: Array($0.readableBytesView)) }
        let retryAfter = RetryAfter.duration(
            milliseconds: response.headers.first(name: "retry-after-ms"),
            orText: response.headers.first(name: "retry-after"), now: Date().timeIntervalSince1970)
        return ProviderFailure(
            status: Int(response.status.code), reported: ReportedError(reported), retryAfter: retryAfter,
            host: endpoint.host)
    }

    func failure(_ reason: String) -> ProviderFailure {
        ProviderFailure(error: ModelError(.disconnect, "The provider \(endpoint.host) \(reason)."))
    }
}
