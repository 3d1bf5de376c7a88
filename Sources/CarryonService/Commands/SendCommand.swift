import ArgumentParser
import Conversation
import Foundation
import Kafka

/// `carryon send`: one request on the requests topic.
struct SendCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "send",
        abstract: "Sends a request, and waits for the broker's acknowledgement.",
        discussion: """
            With TEXT, a user's message; with --type, another request; with --action, an action; with --answer, \
            --approve or --deny, an answer to a call of a tool. Without any of these, a request's JSON is read from \
            standard input.
            """)

    @Argument(help: "The session's id.") var id: String
    @Argument(help: "The user's message.") var text: String?
    @Option(help: "The type of a request without a message: regenerate, preload, stop or close.") var type: String?
    @Option(help: "An action, as JSON.") var action: String?
    @OptionGroup var answer: ToolAnswerOptions
    @Option(help: "Client data, as JSON.") var data: String?
    @Option(help: "A second request of the session with this key has no effect.") var key: String?
    @Option(help: "The request's id; made up by the worker if absent.") var requestID: String?
    @Option(help: "Why, for stop and close.") var reason: String?
    @Flag(help: "Prints one JSON object; without TEXT, reads the request's value from standard input.") var json = false

    func run() async throws {
        let settings = try Invocation.required().settings
        let session = try Self.checked { () throws(RequestError) in try SessionID.validate(Array(id.utf8)) }
        let value = try requestValue()
        let producer = try KafkaProducer(settings.clientProperties(), logger: settings.makeLogger("carryon.send"))
        let delivery = try await producer.deliver(
            ProducerRecord(
                topic: settings.requestsTopic, partition: nil, key: Array(session.utf8), value: value.bytes, headers: []
            ))
        await producer.close()
        let requestID = value.id ?? "\(delivery.partition)-\(delivery.offset)"
        if json {
            let answer: JSON = [
                "requestId": .string(requestID), "partition": .number(JSONNumber(Int(delivery.partition))),
                "offset": .number(JSONNumber(Int(delivery.offset))),
            ]
            print(answer.serializedString)
        } else {
            print("request \(requestID) is acknowledged: partition \(delivery.partition), offset \(delivery.offset)")
        }
    }

    private func requestValue() throws -> (bytes: [UInt8], id: String?) {
        guard try [text, type, action, answer.callID()].count(where: { $0 != nil }) <= 1 else {
            throw ValidationError("TEXT, --type, --action, --answer, --approve and --deny exclude each other")
        }
        let message = try answer.message(reason: reason)
        if text == nil, type == nil, action == nil, message == nil {
            let bytes = Array(FileHandle.standardInput.readDataToEndOfFile())
            // Refused here, where somebody is looking, rather than dead-lettered there.
            let request = try Self.checked { () throws(RequestError) in
                try Request.decode(value: bytes, idempotencyKeyHeader: nil, fallbackMessageID: "unsent")
            }
            return (bytes, request.id)
        }
        var object: JSONObject = ["type": .string(type ?? (action == nil ? "message" : "action"))]
        if let text { object["text"] = .string(text) }
        if let action { object["action"] = try Self.parsed(action, "--action") }
        if let message { object["message"] = message.json }
        if let requestID { object["id"] = .string(requestID) }
        if let data { object["data"] = try Self.parsed(data, "--data") }
        if let key { object["idempotencyKey"] = .string(key) }
        if let reason, message == nil { object["reason"] = .string(reason) }
        let bytes = JSON.object(object).serialized()
        let request = try Self.checked { () throws(RequestError) in
            try Request.decode(value: bytes, idempotencyKeyHeader: nil, fallbackMessageID: "unsent")
        }
        return (bytes, request.id)
    }

    private static func parsed(_ text: String, _ option: String) throws -> JSON {
        do {
            return try JSON(parsing: text)
        } catch {
            throw ValidationError("\(option) takes JSON: \(error)")
        }
    }

    private static func checked<Result>(_ body: () throws(RequestError) -> Result) throws -> Result {
        do {
            return try body()
        } catch {
            throw CommandFailure(.usage, error.description)
        }
    }
}

extension Settings {
    /// Properties for a command that somebody waits for: it gives up when no broker answers.
    func clientProperties() throws -> KafkaProperties {
        KafkaProperties(["message.timeout.ms": "15000", "linger.ms": "0"]).merging(try kafkaProperties())
    }
}
