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
            With TEXT, a user's message; with --type, another request; without either, a request's JSON is read from \
            standard input.
            """)

    @Argument(help: "The session's id.") var id: String
    @Argument(help: "The user's message.") var text: String?
    @Option(help: "The type of a request without a message: regenerate, stop or close.") var type: String?
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
        if text == nil, type == nil {
            let bytes = Array(FileHandle.standardInput.readDataToEndOfFile())
            // Refused here, where somebody is looking, rather than dead-lettered there.
            let request = try Self.checked { () throws(RequestError) in
                try Request.decode(value: bytes, idempotencyKeyHeader: nil, fallbackMessageID: "unsent")
            }
            return (bytes, request.id)
        }
        guard text == nil || type == nil else { throw ValidationError("TEXT and --type exclude each other") }
        var object: JSONObject = ["type": .string(type ?? "message")]
        if let text { object["text"] = .string(text) }
        if let requestID { object["id"] = .string(requestID) }
        if let data {
            do {
                object["data"] = try JSON(parsing: data)
            } catch {
                throw ValidationError("--data takes JSON: \(error)")
            }
        }
        if let key { object["idempotencyKey"] = .string(key) }
        if let reason { object["reason"] = .string(reason) }
        let bytes = JSON.object(object).serialized()
        let request = try Self.checked { () throws(RequestError) in
            try Request.decode(value: bytes, idempotencyKeyHeader: nil, fallbackMessageID: "unsent")
        }
        return (bytes, request.id)
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
