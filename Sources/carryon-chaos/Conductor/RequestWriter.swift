import Conversation
import Kafka

/// Writes what a step of a session asks for, as records.
struct RequestWriter: Sendable {
    /// A request on its way to the broker.
    struct Draft: Sendable {
        let step: Int
        let id: String
        var messageID: String?
        let role: SentRequest.Role
        let value: [UInt8]?
        var headers: [KafkaHeader] = []
    }

    let session: String
    let step: Int

    private func id(_ suffix: String = "") -> String { "\(session).\(step)\(suffix)" }

    func message(_ text: String, isPoison: Bool = false, key: String? = nil) -> Draft {
        let message = Message.user(id: "\(id())-q", text: text)
        let request = Request(kind: .message(message), id: id(), idempotencyKey: key)
        return Draft(
            step: step, id: id(), messageID: message.id, role: .message(text, isPoison: isPoison),
            value: request.serialized())
    }

    /// The message again, as a producer sends it that has not heard of its acknowledgement: with the key as a header.
    func duplicate(_ text: String, key: String) -> Draft {
        let message = Message.user(id: "\(id())-q2", text: text)
        let request = Request(kind: .message(message), id: id("again"))
        return Draft(
            step: step, id: id("again"), messageID: message.id, role: .duplicate(of: id()),
            value: request.serialized(), headers: [KafkaHeader("idempotency-key", key)])
    }

    func regenerate() -> Draft {
        Draft(step: step, id: id(), role: .regenerate, value: Request(kind: .regenerate, id: id()).serialized())
    }

    func approval(of call: String, isGranted: Bool) -> Draft {
        let answer = Message.toolAnswer(.approval(callID: call, isGranted: isGranted))
        let request = Request(kind: .message(answer), id: id("answer"))
        return Draft(
            step: step, id: id("answer"), role: .approval(isGranted: isGranted), value: request.serialized())
    }

    func stop() -> Draft {
        let request = Request(kind: .stop(reason: "enough"), id: id("stop"))
        return Draft(step: step, id: id("stop"), role: .stop(of: id()), value: request.serialized())
    }

    func garbage(_ garbage: Step.Garbage) -> Draft {
        Draft(step: step, id: id("garbage"), role: .garbage, value: garbage.value)
    }
}
