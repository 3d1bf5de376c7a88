import Conversation
import HTTPTypes
import Hummingbird

/// What a caller of the admin address is told that went wrong, in the form that the gateway's errors have.
struct AdminError: Error, Equatable {
    var status: HTTPResponse.Status
    /// Stable, in snake case.
    var code: String
    /// One sentence for people.
    var message: String
    /// The member, header or parameter at fault.
    var param: String?

    init(_ status: HTTPResponse.Status, _ code: String, _ message: String, param: String? = nil) {
        self.status = status
        self.code = code
        self.message = message
        self.param = param
    }

    var json: JSON {
        var error: JSONObject = ["code": .string(code), "message": .string(message)]
        error["param"] = param.map(JSON.string)
        return ["error": .object(error)]
    }
}
