import AsyncHTTPClient
import Conversation
import Foundation
import NIOCore
import NIOHTTP1

/// Asks workers for their status, at their admin addresses.
struct WorkerStatuses: Sendable {
    /// Bytes of a status with thousands of partitions, and more.
    private static let maximumBytes = 8 << 20

    let addresses: [ListenAddress]
    /// How long a worker may take to answer.
    var timeout = Duration.seconds(2)

    /// Every worker's status, in the order of the addresses. A worker that gives none has an entry with its `address`
    /// and the `error`.
    func all() async -> [JSON] {
        await withTaskGroup(of: (Int, JSON).self) { group in
            for (index, address) in addresses.enumerated() {
                group.addTask { (index, await status(at: address)) }
            }
            var found = [JSON?](repeating: nil, count: addresses.count)
            for await (index, status) in group { found[index] = status }
            return found.compactMap(\.self)
        }
    }

    private func status(at address: ListenAddress) async -> JSON {
        func failure(_ reason: String) -> JSON { ["address": .string("\(address)"), "error": .string(reason)] }
        do {
            let response = try await HTTPClient.shared.execute(
                HTTPClientRequest(url: "http://\(address)/status"),
                timeout: .milliseconds(timeout.components.seconds * 1000))
            guard response.status == .ok else { return failure("answers \(response.status.code)") }
            let body = try await response.body.collect(upTo: Self.maximumBytes)
            guard case .object(var object) = try JSON(parsing: Array(body.readableBytesView)) else {
                return failure("answers something else than a status")
            }
            object["address"] = .string("\(address)")
            return .object(object)
        } catch let error as HTTPClientError where error == .deadlineExceeded || error == .connectTimeout {
            return failure("does not answer")
        } catch is JSONError {
            return failure("answers something else than a status")
        } catch {
            return failure("can't be reached")
        }
    }
}
