import AsyncHTTPClient
import Conversation
import Foundation
import NIOCore
import NIOHTTP1

/// One call at workers' admin addresses.
struct WorkerCall: Sendable {
    /// What one worker makes of it.
    enum Answer: Sendable, Equatable {
        case done(JSON)
        /// With the error as the worker gives it.
        case refused(code: String, message: String, param: String?, isUsage: Bool)
        /// With why, as words that follow "the worker".
        case unreachable(String)
    }

    /// Bytes of a status with thousands of partitions, and more.
    private static let maximumBytes = 8 << 20

    var method = HTTPMethod.GET
    /// Behind the address and a slash.
    var path: String
    var body: JSON?
    /// The admin key, if there is one.
    var key: String?
    var timeout = Duration.seconds(10)

    /// Asks them at the same time; the answers are in the order of the addresses.
    func answers(of addresses: [ListenAddress]) async -> [Answer] {
        await withTaskGroup(of: (Int, Answer).self) { group in
            for (index, address) in addresses.enumerated() { group.addTask { (index, await answer(of: address)) } }
            var found = [Answer?](repeating: nil, count: addresses.count)
            for await (index, answer) in group { found[index] = answer }
            return found.compactMap(\.self)
        }
    }

    private func answer(of address: ListenAddress) async -> Answer {
        var request = HTTPClientRequest(url: "http://\(address)/\(path)")
        request.method = method
        if let key { request.headers.add(name: "authorization", value: "Bearer \(key)") }
        if let body {
            request.headers.add(name: "content-type", value: "application/json")
            request.body = .bytes(body.serialized())
        }
        do {
            let response = try await HTTPClient.shared.execute(
                request, timeout: .milliseconds(timeout.components.seconds * 1000))
            let bytes = try await response.body.collect(upTo: Self.maximumBytes)
            let json = try? JSON(parsing: Array(bytes.readableBytesView))
            if (200..<300).contains(response.status.code) {
                return json.map(Answer.done) ?? .unreachable("answers something else than a worker does")
            }
            guard let error = json?["error"], let code = error["code"]?.stringValue,
                let message = error["message"]?.stringValue
            else { return .unreachable("answers \(response.status.code)") }
            let isUsage = [400, 401, 403, 404].contains(response.status.code)
            return .refused(code: code, message: message, param: error["param"]?.stringValue, isUsage: isUsage)
        } catch let error as HTTPClientError where error == .deadlineExceeded || error == .connectTimeout {
            return .unreachable("does not answer")
        } catch {
            return .unreachable("can't be reached")
        }
    }
}
