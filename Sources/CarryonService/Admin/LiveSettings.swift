import Conversation
import Gateway
import HTTPTypes
import TurnHost

/// The settings of a worker that can be changed while it runs. A change lasts as long as the worker: the next one starts
/// with what is configured.
actor LiveSettings {
    /// As they are called everywhere.
    static let names = ["concurrency", "crash-attempts", "out-of-memory-attempts"]
    /// Where a value comes from that was changed here.
    static let changedOrigin = "changed while running"

    private var settings: Settings
    private var changed: Set<String> = []
    private let apply: @Sendable (HostTuning) -> Void

    /// - Parameters:
    ///   - settings: as the worker was started with.
    ///   - apply: called with what is in force after each change, in order; must not block.
    init(_ settings: Settings, apply: @escaping @Sendable (HostTuning) -> Void) {
        self.settings = settings
        self.apply = apply
    }

    /// Changes all of these, or none.
    /// - Throws: ``GatewayError`` for a setting that there is none of, that can't be changed here, or whose value it does
    ///   not accept.
    func change(_ changes: JSONObject) throws(GatewayError) {
        var next = settings
        for (name, value) in changes {
            guard let setting = Setting.byName[name] else {
                throw GatewayError(
                    .badRequest, "unknown_setting", "There is no setting of that name; \(Self.those).", param: name)
            }
            guard Self.names.contains(name) else {
                throw GatewayError(
                    .badRequest, "not_live", "That setting takes a restart; \(Self.those).", param: name)
            }
            guard let text = Self.text(of: value), (try? setting.assign(text, &next)) == true else {
                throw GatewayError(
                    .badRequest, "malformed_value", "The setting accepts \(setting.accepts).", param: name)
            }
        }
        guard !changes.isEmpty else {
            throw GatewayError(
                .badRequest, "nothing_to_change", "The body names no setting; \(Self.those).", param: "body")
        }
        settings = next
        for (name, _) in changes { changed.insert(name) }
        apply(next.tuning)
    }

    /// What `GET /admin/settings` answers.
    var json: JSON {
        let all = Self.names.compactMap { Setting.byName[$0] }.map { setting in
            var object: JSONObject = ["name": .string(setting.name)]
            object["value"] = Int(setting.text(settings)).map { .number(JSONNumber($0)) }
            let origin = changed.contains(setting.name) ? Self.changedOrigin : settings.sources[setting.name]
            object["origin"] = .string(origin ?? "default")
            object["minimum"] = setting.range.map { .number(JSONNumber($0.lowerBound)) }
            object["maximum"] = setting.range.map { .number(JSONNumber($0.upperBound)) }
            object["about"] = .string(setting.documentation)
            return JSON.object(object)
        }
        return ["settings": .array(all)]
    }

    private static var those: String { "those that can be changed here are \(names.joined(separator: ", "))" }

    private static func text(of value: JSON) -> String? { value.int.map { String($0) } ?? value.stringValue }
}

extension Settings {
    /// What turn hosts can be told of the settings while they run.
    var tuning: HostTuning {
        HostTuning(
            concurrency: concurrency, crashAttempts: crashAttempts, outOfMemoryAttempts: outOfMemoryAttempts)
    }
}
