import Conversation
import Foundation
import FoundationNetworking
import TestSupport
import Testing

/// Asks a worker at its admin address.
struct Probe {
    let port: Int

    /// What it answers, and with which status.
    func ask(_ path: String) async throws -> (status: Int, body: JSON) {
        let url = try #require(URL(string: "http://127.0.0.1:\(port)/\(path)"))
        let (data, response) = try await URLSession(configuration: .ephemeral).data(from: url)
        let status = (response as? HTTPURLResponse)?.statusCode ?? 0
        return (status, try JSON(parsing: Array(data)))
    }

    /// The names of the checks that failed.
    static func failing(_ body: JSON) -> [String] {
        (body["checks"]?.arrayValue ?? []).filter { $0["ok"]?.bool == false }.compactMap { $0["name"]?.stringValue }
    }

    /// Waits for an answer that is as wanted, and returns it.
    @discardableResult
    func wait(
        for path: String, timeout: Duration = .seconds(60), until isWanted: (Int, JSON) -> Bool
    ) async throws -> JSON {
        var last = "nothing"
        do {
            return try await eventually(timeout: timeout, every: .milliseconds(50)) {
                guard let (status, body) = try? await ask(path) else { return nil }
                last = "\(status) \(body.serializedString)"
                return isWanted(status, body) ? body : nil
            }
        } catch is NeverHappened {
            throw Discrepancy("/\(path)", expected: "the wanted answer within \(timeout)", came: last)
        }
    }
}
