package import Conversation
import Tracing

/// OTLP's JSON (https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding): protobuf's mapping, but ids in
/// hexadecimal and enumerations as numbers. 64-bit numbers are strings.
package enum OTLPEncoding {
    /// What every export says of its sender.
    package struct Resource: Sendable {
        let attributes: [(name: String, value: String)]

        package init(_ attributes: [(name: String, value: String)]) { self.attributes = attributes }

        var json: JSON {
            ["attributes": .array(attributes.map { OTLPEncoding.attribute($0.name, .string($0.value)) })]
        }
    }

    /// An `ExportTraceServiceRequest`.
    package static func traces(_ spans: [FinishedSpan], _ resource: Resource) -> JSON {
        [
            "resourceSpans": [
                [
                    "resource": resource.json,
                    "scopeSpans": [["scope": ["name": "carryon"], "spans": .array(spans.map(span))]],
                ]
            ]
        ]
    }

    /// An `ExportMetricsServiceRequest` of everything as it is now.
    /// - Parameters:
    ///   - begin: since when counters count, in nanoseconds since 1970.
    ///   - labelsConversation: exemplars' conversations are attributes too.
    package static func metrics(
        _ registry: MetricsRegistry, _ samples: [MetricSample], _ resource: Resource, begin: UInt64, now: UInt64
    ) -> JSON {
        let gauges = samples.map { MetricSeries($0.id, .gauge($0.value), now: { 0 }) }
        let families = Dictionary(grouping: registry.all + gauges) { $0.id.name }.sorted { $0.key < $1.key }
        let metrics = families.map { metric($0.key, $0.value, begin: begin, now: now) }
        return [
            "resourceMetrics": [
                [
                    "resource": resource.json,
                    "scopeMetrics": [["scope": ["name": "carryon"], "metrics": .array(metrics)]],
                ]
            ]
        ]
    }

    // MARK: Spans

    private static func span(_ span: FinishedSpan) -> JSON {
        var object: JSONObject = [
            "traceId": .string(TraceContext.hexadecimal(span.context.traceID)),
            "spanId": .string(TraceContext.hexadecimal(span.context.spanID)),
            "name": .string(span.name), "kind": .number(JSONNumber(number(of: span.kind))),
            "startTimeUnixNano": .string("\(span.begin)"), "endTimeUnixNano": .string("\(span.end)"),
            "attributes": attributes(span.attributes),
        ]
        object["traceState"] = span.context.traceState.map(JSON.string)
        object["parentSpanId"] = span.parent.map { .string(TraceContext.hexadecimal($0)) }
        if !span.events.isEmpty {
            object["events"] = .array(
                span.events.map {
                    [
                        "name": .string($0.name), "timeUnixNano": .string("\($0.nanosecondsSinceEpoch)"),
                        "attributes": attributes($0.attributes),
                    ]
                })
        }
        if !span.links.isEmpty {
            object["links"] = .array(
                span.links.map {
                    [
                        "traceId": .string(TraceContext.hexadecimal($0.context.traceID)),
                        "spanId": .string(TraceContext.hexadecimal($0.context.spanID)),
                        "attributes": attributes($0.attributes),
                    ]
                })
        }
        if let status = span.status {
            var said: JSONObject = ["code": status.code == .ok ? 1 : 2]
            said["message"] = status.message.map(JSON.string)
            object["status"] = .object(said)
        }
        return .object(object)
    }

    /// `SpanKind` of OTLP: 0 is nothing that was set.
    private static func number(of kind: SpanKind) -> Int {
        switch kind {
        case .internal: 1
        case .server: 2
        case .client: 3
        case .producer: 4
        case .consumer: 5
        }
    }

    private static func attributes(_ attributes: SpanAttributes) -> JSON {
        var found: [JSON] = []
        attributes.forEach { name, value in found.append(attribute(name, value)) }
        return .array(found)
    }

    fileprivate static func attribute(_ name: String, _ value: SpanAttribute) -> JSON {
        ["key": .string(name), "value": self.value(value)]
    }

    private static func value(_ value: SpanAttribute) -> JSON {
        func list(_ values: [SpanAttribute]) -> JSON { ["arrayValue": ["values": .array(values.map(Self.value))]] }
        switch value {
        case .int32(let number): return ["intValue": .string("\(number)")]
        case .int64(let number): return ["intValue": .string("\(number)")]
        case .double(let number): return ["doubleValue": .number(number)]
        case .bool(let truth): return ["boolValue": .bool(truth)]
        case .string(let text): return ["stringValue": .string(text)]
        case .stringConvertible(let one): return ["stringValue": .string("\(one)")]
        case .int32Array(let all): return list(all.map(SpanAttribute.int32))
        case .int64Array(let all): return list(all.map(SpanAttribute.int64))
        case .doubleArray(let all): return list(all.map(SpanAttribute.double))
        case .boolArray(let all): return list(all.map(SpanAttribute.bool))
        case .stringArray(let all): return list(all.map(SpanAttribute.string))
        case .stringConvertibleArray(let all): return list(all.map { .string("\($0)") })
        default: return ["stringValue": ""]
        }
    }

    // MARK: Metrics

    private static func metric(_ name: String, _ series: [MetricSeries], begin: UInt64, now: UInt64) -> JSON {
        let definition = MetricCatalog.byName[name]
        var object: JSONObject = ["name": .string(name)]
        object["description"] = definition.map { .string($0.help) }
        object["unit"] = definition.map { .string($0.unit.rawValue) }
        let points = series.map { point($0, begin: begin, now: now) }
        // 2 is cumulative: since the process's begin.
        switch series.first?.value {
        case .counter:
            object["sum"] = [
                "dataPoints": .array(points), "aggregationTemporality": 2, "isMonotonic": true,
            ]
        case .histogram: object["histogram"] = ["dataPoints": .array(points), "aggregationTemporality": 2]
        default: object["gauge"] = ["dataPoints": .array(points)]
        }
        return .object(object)
    }

    private static func point(_ series: MetricSeries, begin: UInt64, now: UInt64) -> JSON {
        var object: JSONObject = [
            "attributes": .array(series.id.labels.map { attribute($0.name, .string($0.value)) }),
            "timeUnixNano": .string("\(now)"),
        ]
        switch series.value {
        case .counter(let sum):
            object["startTimeUnixNano"] = .string("\(begin)")
            object["asDouble"] = .number(sum)
        case .gauge(let value): object["asDouble"] = .number(value)
        case .histogram(let distribution):
            object["startTimeUnixNano"] = .string("\(begin)")
            object["count"] = .string("\(distribution.count)")
            object["sum"] = .number(distribution.sum)
            object["explicitBounds"] = .array(distribution.bounds.map(JSON.number))
            object["bucketCounts"] = .array(distribution.counts.map { .string("\($0)") })
            let exemplars = series.exemplars.values.sorted { $0.at < $1.at }
            if !exemplars.isEmpty {
                object["exemplars"] = .array(
                    exemplars.map {
                        [
                            "timeUnixNano": .string("\($0.at * 1_000_000)"), "asDouble": .number($0.value),
                            "filteredAttributes": [
                                attribute("gen_ai.conversation.id", .string($0.conversationID))
                            ],
                        ]
                    })
            }
        }
        return .object(object)
    }
}
