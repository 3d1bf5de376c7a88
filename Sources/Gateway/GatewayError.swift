package import Conversation
package import HTTPTypes
package import Hummingbird
import NIOCore

/// What a caller of a gateway, or of a worker's admin address, is told that went wrong, as the protocol says: a status, a
/// stable code, one sentence, and where.
package struct GatewayError: Error {
    package var status: HTTPResponse.Status
    /// Stable, in snake case.
    package var code: String
    /// One sentence for people. Holds no secret and no message's text.
    package var message: String
    /// The member, header or parameter at fault.
    package var param: String?
    package var details: JSONObject = [:]
    /// Seconds after which the same call may succeed.
    package var retryAfter: Int?
    package var headers: HTTPFields = [:]

    package init(
        _ status: HTTPResponse.Status, _ code: String, _ message: String, param: String? = nil,
        details: JSONObject = [:], retryAfter: Int? = nil
    ) {
        self.status = status
        self.code = code
        self.message = message
        self.param = param
        self.details = details
        self.retryAfter = retryAfter
    }

    package var json: JSON {
        var error: JSONObject = ["code": .string(code), "message": .string(message)]
        error["param"] = param.map(JSON.string)
        if !details.isEmpty { error["details"] = .object(details) }
        return ["error": .object(error)]
    }

    package var response: Response {
        var fields = headers
        if let retryAfter { fields[.retryAfter] = String(retryAfter) }
        return Response(json, status: status, headers: fields)
    }
}

extension GatewayError {
    static func unavailable(_ what: String) -> GatewayError {
        GatewayError(
            .serviceUnavailable, "unavailable", "The \(what) can't be reached at the moment; try again.",
            details: ["what": .string(what)], retryAfter: 2)
    }

    static func notFound(_ what: String) -> GatewayError {
        GatewayError(.notFound, "not_found", "There is no \(what).")
    }
}

extension Response {
    /// A JSON body, which no cache may keep.
    package init(_ json: JSON, status: HTTPResponse.Status = .ok, headers: HTTPFields = [:]) {
        var fields = headers
        fields[.contentType] = "application/json"
        fields[.cacheControl] = "no-store"
        self.init(
            status: status, headers: fields,
            body: ResponseBody(byteBuffer: ByteBuffer(bytes: json.serialized() + [UInt8(ascii: "\n")])))
    }
}
