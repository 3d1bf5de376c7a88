package import Conversation
import Foundation
package import Hummingbird
import NIOCore

extension Hummingbird.Request {
    /// The body as a JSON object; an empty body is one without members.
    /// - Throws: ``GatewayError`` with the code `body_too_large`, `invalid_json` or `not_an_object`.
    package func jsonObject(atMost limit: Int) async throws -> JSONObject {
        let tooLarge = GatewayError(
            .contentTooLarge, "body_too_large", "The body must be \(limit) bytes or less.", param: "body",
            details: ["maximum": .number(JSONNumber(limit))])
        if let length = headers[.contentLength].flatMap({ Int($0) }), length > limit { throw tooLarge }
        let buffer: ByteBuffer
        do {
            buffer = try await body.collect(upTo: limit)
        } catch is NIOTooManyBytesError {
            throw tooLarge
        }
        guard buffer.readableBytes > 0 else { return [:] }
        let json: JSON
        do {
            json = try JSON(parsing: Array(buffer.readableBytesView))
        } catch {
            throw GatewayError(.badRequest, "invalid_json", "The body is not JSON: \(error)", param: "body")
        }
        guard case .object(let object) = json else {
            throw GatewayError(.badRequest, "not_an_object", "The body must be a JSON object.", param: "body")
        }
        return object
    }
}

extension GatewayContext {
    /// The session that the path names.
    /// - Throws: ``GatewayError`` with the code `invalid_session_id`.
    func sessionID() throws -> String {
        try SessionID.decoded(fromPath: parameters.get("id"), param: "id")
    }
}

extension SessionID {
    /// The session that a part of a path names.
    /// - Parameter param: what the part is called.
    /// - Throws: ``GatewayError`` with the code `invalid_session_id`.
    package static func decoded(fromPath part: String?, param: String) throws(GatewayError) -> String {
        guard let decoded = (part ?? "").removingPercentEncoding else {
            throw GatewayError(
                .badRequest, "invalid_session_id", "The session id in the path is not percent-encoded UTF-8.",
                param: param)
        }
        do {
            return try validate(Array(decoded.utf8))
        } catch {
            throw GatewayError(.badRequest, error.code, error.message, param: param)
        }
    }
}
