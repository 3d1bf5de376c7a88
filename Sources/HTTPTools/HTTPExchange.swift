import AsyncHTTPClient
import Conversation
import LanguageModels
import NIOCore
import NIOHTTP1
import NIOPosix

/// One request and what came of it.
struct HTTPExchange: Sendable {
    /// What went wrong, in words that follow the name of whoever was asked.
    struct Failure: Error {
        let reason: String
    }

    /// How much of an unwelcome answer is told.
    static let excerptLength = 500

    let endpoint: HTTPEndpoint

    /// Sends the request and reads the answer.
    ///
    /// - Throws: ``Failure``, and `CancellationError`; by then the connection is closed.
    func perform(input: JSON, key: String) async throws -> JSON {
        do {
            return try await withThrowingTaskGroup(of: JSON.self) { group in
                group.addTask { try await exchange(endpoint.request(input: input, key: key)) }
                group.addTask {
                    try await Task.sleep(for: endpoint.timeout)
                    throw timedOut
                }
                defer { group.cancelAll() }
                return try await group.next() ?? .null
            }
        } catch {
            try Task.checkCancellation()
            throw error
        }
    }

    private func exchange(_ request: HTTPClientRequest) async throws -> JSON {
        do {
            let response = try await Self.client.execute(request, timeout: TimeAmount(endpoint.timeout))
            guard (200..<300).contains(response.status.code) else { throw await refusal(response) }
            let body = try await response.body.collect(upTo: endpoint.maximumResponseBytes)
            // A body that breaks off because the task was cancelled looks like one that has ended.
            try Task.checkCancellation()
            return Self.json(Array(body.readableBytesView))
        } catch let failure as Failure {
            throw failure
        } catch is NIOTooManyBytesError {
            throw Failure(reason: "answered with more than \(endpoint.maximumResponseBytes) bytes")
        } catch let error as HTTPClientError where error == .deadlineExceeded {
            throw timedOut
        } catch {
            throw Failure(reason: "could not be asked: \(ConnectionFailure.words(for: error))")
        }
    }

    private var timedOut: Failure { Failure(reason: "did not answer within \(endpoint.timeout)") }

    /// An answer without content is `null`; one that is not JSON is a text.
    private static func json(_ body: [UInt8]) -> JSON {
        if body.isEmpty { return .null }
        return (try? JSON(parsing: body)) ?? .string(String(decoding: body, as: UTF8.self))
    }

    private func refusal(_ response: HTTPClientResponse) async -> Failure {
        var reason = "answered with status \(response.status.code)"
        if (300..<400).contains(response.status.code), response.headers.contains(name: "location") {
            return Failure(reason: "\(reason), which leads elsewhere and is not followed")
        }
        let excerpt = await Self.excerpt(of: response.body)
        if !excerpt.isEmpty { reason += ": \(excerpt)" }
        return Failure(reason: reason)
    }

    /// The beginning of a body, as far as it can be read.
    private static func excerpt(of body: HTTPClientResponse.Body) async -> String {
        // No character of UTF-8 has more than four bytes.
        let limit = excerptLength * 4
        var bytes: [UInt8] = []
        do {
            for try await buffer in body {
                bytes += buffer.readableBytesView.prefix(limit - bytes.count)
                if bytes.count >= limit { break }
            }
        } catch {
            // The status has been said, and is what counts.
        }
        let text = String(decoding: bytes, as: UTF8.self)
        let start = text.drop { $0.isWhitespace }.unicodeScalars
        guard start.count > excerptLength else { return trimmed(String(start)) }
        return trimmed(String(String.UnicodeScalarView(start.prefix(excerptLength - 4)))) + " ..."
    }

    private static func trimmed(_ text: String) -> String {
        guard let end = text.lastIndex(where: { !$0.isWhitespace }) else { return "" }
        return String(text[...end])
    }
}

extension HTTPExchange {
    /// One for the process, so that calls of the same server share connections. It lives as long as the process.
    private static let client: HTTPClient = {
        var configuration = HTTPClient.Configuration()
        // A redirect could take the headers, and with them the secrets, to another host.
        configuration.redirectConfiguration = .disallow
        // Whoever asks again decides that himself, and with what has been tried in mind.
        configuration.connectionPool.retryConnectionEstablishment = false
        // Less than the five seconds after which common servers close an idle connection, so that a request does not
        // meet a connection that is just being closed.
        configuration.connectionPool.idleTimeout = .seconds(4)
        configuration.timeout.connect = .seconds(10)
        return HTTPClient(eventLoopGroup: HTTPClient.defaultEventLoopGroup, configuration: configuration)
    }()
}
