import Tracing

/// OTLP's messages (https://github.com/open-telemetry/opentelemetry-proto, version 1), whose field numbers are those below.
package enum OTLPEncoding {
    /// What every export says of its sender.
    package struct Resource: Sendable {
        let attributes: [(name: String, value: String)]

        package init(_ attributes: [(name: String, value: String)]) { self.attributes = attributes }

        fileprivate func write(to writer: inout ProtobufWriter) {
            for (name, value) in attributes { writer.writeAttribute(1, name, .string(value)) }
        }
    }

    /// An `ExportTraceServiceRequest`.
    package static func traces(_ spans: [FinishedSpan], _ resource: Resource) -> [UInt8] {
        var writer = ProtobufWriter()
        writer.write(1) { group in
            group.write(1) { resource.write(to: &$0) }
            group.write(2) { scope in
                scope.write(1) { $0.write(1, "carryon") }
                for span in spans { scope.write(2) { $0.write(span) } }
            }
        }
        return writer.bytes
    }

    /// An `ExportMetricsServiceRequest` of everything as it is now.
    /// - Parameters:
    ///   - begin: since when counters count, in nanoseconds since 1970.
    ///   - now: in nanoseconds since 1970.
    package static func metrics(
        _ registry: MetricsRegistry, _ samples: [MetricSample], _ resource: Resource, begin: UInt64, now: UInt64
    ) -> [UInt8] {
        var writer = ProtobufWriter()
        writer.write(1) { group in
            group.write(1) { resource.write(to: &$0) }
            group.write(2) { scope in
                scope.write(1) { $0.write(1, "carryon") }
                for (name, series) in registry.families(with: samples) {
                    scope.write(2) { $0.writeMetric(name, series, begin: begin, now: now) }
                }
            }
        }
        return writer.bytes
    }
}

// MARK: Spans

extension ProtobufWriter {
    fileprivate mutating func write(_ span: FinishedSpan) {
        write(1, identifier: span.context.traceID)
        write(2, identifier: span.context.spanID)
        if let state = span.context.traceState { write(3, state) }
        if let parent = span.parent { write(4, identifier: parent) }
        write(5, span.name)
        write(6, varint: Self.number(of: span.kind))
        write(7, fixed: span.begin)
        write(8, fixed: span.end)
        if let conversation = span.conversationID { writeAttribute(9, "gen_ai.conversation.id", .string(conversation)) }
        for (name, value) in span.details { writeAttribute(9, name, value) }
        writeAttributes(9, span.attributes)
        for event in span.events {
            write(11) { writer in
                writer.write(1, fixed: event.nanosecondsSinceEpoch)
                writer.write(2, event.name)
                writer.writeAttributes(3, event.attributes)
            }
        }
        for link in span.links {
            write(13) { writer in
                writer.write(1, identifier: link.context.traceID)
                writer.write(2, identifier: link.context.spanID)
                writer.writeAttributes(4, link.attributes)
            }
        }
        if let status = span.status {
            write(15) { writer in
                if let message = status.message { writer.write(2, message) }
                writer.write(3, varint: status.code == .ok ? 1 : 2)
            }
        }
    }

    private mutating func write(_ field: Int, identifier: TraceContext.TraceID) {
        write(field, bigEndian: [identifier.high, identifier.low])
    }

    private mutating func write(_ field: Int, identifier: UInt64) { write(field, bigEndian: [identifier]) }

    /// `SpanKind`: 0 is nothing that was set.
    private static func number(of kind: SpanKind) -> UInt64 {
        switch kind {
        case .internal: 1
        case .server: 2
        case .client: 3
        case .producer: 4
        case .consumer: 5
        }
    }

    private mutating func writeAttributes(_ field: Int, _ attributes: SpanAttributes) {
        attributes.forEach { name, value in writeAttribute(field, name, value) }
    }

    fileprivate mutating func writeAttribute(_ field: Int, _ name: String, _ value: SpanAttribute) {
        write(field) { writer in
            writer.write(1, name)
            writer.write(2) { $0.writeValue(value) }
        }
    }

    /// An `AnyValue`.
    private mutating func writeValue(_ value: SpanAttribute) {
        switch value {
        case .string(let text): write(1, text)
        case .stringConvertible(let one): write(1, "\(one)")
        case .bool(let truth): write(2, varint: truth ? 1 : 0)
        case .int32(let number): write(3, varint: UInt64(bitPattern: Int64(number)))
        case .int64(let number): write(3, varint: UInt64(bitPattern: number))
        case .double(let number): write(4, number)
        case .int32Array(let all): writeValues(all.map(SpanAttribute.int32))
        case .int64Array(let all): writeValues(all.map(SpanAttribute.int64))
        case .doubleArray(let all): writeValues(all.map(SpanAttribute.double))
        case .boolArray(let all): writeValues(all.map(SpanAttribute.bool))
        case .stringArray(let all): writeValues(all.map(SpanAttribute.string))
        case .stringConvertibleArray(let all): writeValues(all.map { .string("\($0)") })
        default: break
        }
    }

    private mutating func writeValues(_ values: [SpanAttribute]) {
        write(5) { list in
            for value in values { list.write(1) { $0.writeValue(value) } }
        }
    }
}

// MARK: Metrics

extension ProtobufWriter {
    /// Counts are since the process's begin: `AGGREGATION_TEMPORALITY_CUMULATIVE`.
    private static let cumulative: UInt64 = 2

    fileprivate mutating func writeMetric(_ name: String, _ series: [MetricSeries], begin: UInt64, now: UInt64) {
        write(1, name)
        if let definition = MetricCatalog.byName[name] {
            write(2, definition.help)
            write(3, definition.unit.rawValue)
        }
        switch series.first?.value {
        case .counter:
            write(7) { sum in
                for one in series { sum.write(1) { $0.writePoint(one, begin: begin, now: now) } }
                sum.write(2, varint: Self.cumulative)
                sum.write(3, varint: 1)
            }
        case .histogram:
            write(9) { histogram in
                for one in series { histogram.write(1) { $0.writePoint(one, begin: begin, now: now) } }
                histogram.write(2, varint: Self.cumulative)
            }
        default:
            write(5) { gauge in
                for one in series { gauge.write(1) { $0.writePoint(one, begin: begin, now: now) } }
            }
        }
    }

    /// A `NumberDataPoint` or a `HistogramDataPoint`, which agree in the numbers of their times.
    private mutating func writePoint(_ series: MetricSeries, begin: UInt64, now: UInt64) {
        write(3, fixed: now)
        switch series.value {
        case .counter(let sum):
            write(2, fixed: begin)
            write(4, sum)
            writeExemplars(5, series)
            writeLabels(7, series)
        case .gauge(let value):
            write(4, value)
            writeLabels(7, series)
        case .histogram(let distribution):
            write(2, fixed: begin)
            write(4, fixed: distribution.count)
            write(5, distribution.sum)
            write(6, packed: distribution.counts)
            write(7, packed: distribution.bounds.map(\.bitPattern))
            writeExemplars(8, series)
            writeLabels(9, series)
        }
    }

    private mutating func writeExemplars(_ field: Int, _ series: MetricSeries) {
        for exemplar in series.exemplars.values {
            write(field) { writer in
                writer.write(2, fixed: UInt64(clamping: exemplar.at) * 1_000_000)
                writer.write(3, exemplar.value)
                writer.writeAttribute(7, "gen_ai.conversation.id", .string(exemplar.conversationID))
            }
        }
    }

    private mutating func writeLabels(_ field: Int, _ series: MetricSeries) {
        for label in series.id.labels { writeAttribute(field, label.name, .string(label.value)) }
    }
}
