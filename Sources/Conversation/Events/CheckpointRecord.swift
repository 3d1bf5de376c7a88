/// What a settlement changed that the events before it do not say: the value of the control record `checkpoint`, which
/// stands right before the record that closes the request.
///
/// An answer's chunks and its request amount to what is settled, unless the agent's hooks had the history otherwise, or
/// changed what is kept beside it. With this record a store can be built again from the topics alone.
public struct CheckpointRecord: Sendable, Hashable {
    /// How the settled history differs from the one before.
    public struct History: Sendable, Hashable {
        /// How many of the messages before it stay, from the first.
        public var keep: Int
        /// New contents of messages that stay, by index.
        public var replaced: [Int: Message]
        /// The messages behind those that stay.
        public var appended: [Message]

        public init(keep: Int, replaced: [Int: Message], appended: [Message]) {
            self.keep = keep
            self.replaced = replaced
            self.appended = appended
        }
    }

    /// `nil` if the history is what the request and the answer's chunks amount to.
    public var history: History?
    /// What the agent keeps besides the messages: its summary and durable locals. `nil` if that is as it was, `null` if
    /// there is nothing any more.
    public var state: JSON?
    /// Offsets of requests behind this one that took effect with it.
    public var ahead: [Int64]

    public init(history: History? = nil, state: JSON? = nil, ahead: [Int64] = []) {
        self.history = history
        self.state = state
        self.ahead = ahead
    }

    init(_ members: inout MemberReader) throws(ConversationError) {
        state = members.json("state")
        ahead = []
        for value in members.json("ahead")?.arrayValue ?? [] {
            guard let offset = value.int else { throw ConversationError(.invalidMember, "ahead", "must hold offsets") }
            ahead.append(Int64(offset))
        }
        guard let value = members.json("history"), !value.isNull else { return }
        do {
            history = try History(value)
        } catch {
            throw error.within("history")
        }
    }
}

extension CheckpointRecord: ObjectEncodable {
    func encodeMembers(into sink: inout some MemberSink) {
        sink.member("history", object: history)
        sink.member("state", json: state)
        if !ahead.isEmpty { sink.member("ahead", json: .array(ahead.map { .number(JSONNumber(Int($0))) })) }
    }
}

extension CheckpointRecord.History {
    fileprivate init(_ value: JSON) throws(ConversationError) {
        var members = try MemberReader(value)
        self.init(keep: try members.int("keep"), replaced: [:], appended: [])
        for (index, entry) in (members.json("replaced")?.arrayValue ?? []).enumerated() {
            do {
                var entry = try MemberReader(entry)
                replaced[try entry.int("index")] = try Message(json: try entry.requiredJSON("message"))
            } catch {
                throw error.within("replaced[\(index)]")
            }
        }
        for (index, message) in (members.json("appended")?.arrayValue ?? []).enumerated() {
            do {
                appended.append(try Message(json: message))
            } catch {
                throw error.within("appended[\(index)]")
            }
        }
    }
}

extension CheckpointRecord.History: ObjectEncodable {
    func encodeMembers(into sink: inout some MemberSink) {
        sink.member("keep", int: Int64(keep))
        let replacements = replaced.sorted { $0.key < $1.key }.map { index, message -> JSON in
            ["index": .number(JSONNumber(index)), "message": message.json]
        }
        if !replacements.isEmpty { sink.member("replaced", json: .array(replacements)) }
        sink.member("appended", objects: appended)
    }
}
