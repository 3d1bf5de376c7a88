import Foundation

/// Writes metrics as Prometheus reads them: its own text format 0.0.4, or OpenMetrics 1.0, which has exemplars too.
package struct PrometheusText: Sendable {
    /// The forms that a client may ask for.
    package enum Format: Sendable {
        case plain
        case openMetrics

        /// What the header `Accept` asks for.
        package init(accept: String?) {
            self = accept?.contains("application/openmetrics-text") == true ? .openMetrics : .plain
        }

        package var contentType: String {
            switch self {
            case .plain: "text/plain; version=0.0.4; charset=utf-8"
            case .openMetrics: "application/openmetrics-text; version=1.0.0; charset=utf-8"
            }
        }
    }

    private let format: Format
    private var text = ""

    /// - Parameter samples: gauges as they are at the moment.
    package static func render(_ registry: MetricsRegistry, _ samples: [MetricSample] = [], as format: Format) -> String
    {
        var writer = PrometheusText(format: format)
        var written: Set<String> = []
        for family in registry.families(with: samples) { writer.write(family.name, family.series, &written) }
        if format == .openMetrics { writer.text += "# EOF\n" }
        return writer.text
    }

    private init(format: Format) { self.format = format }

    private mutating func write(_ name: String, _ series: [MetricSeries], _ written: inout Set<String>) {
        guard let first = series.first else { return }
        let definition = MetricCatalog.byName[name]
        let type: String
        switch first.value {
        case .counter: type = "counter"
        case .gauge: type = "gauge"
        case .histogram: type = "histogram"
        }
        let family = Self.name(name, unit: definition?.unit ?? .one, isCounter: false)
        // Two names that Prometheus can't tell apart: the first one counts.
        guard written.insert(family).inserted else { return }
        // OpenMetrics names a counter's family without the suffix of its samples.
        let counter = family + "_total"
        let described = type == "counter" && format == .plain ? counter : family
        if let definition { text += "# HELP \(described) \(Self.escaped(definition.help, quotes: false)).\n" }
        text += "# TYPE \(described) \(type)\n"
        for one in series {
            switch (first.value, one.value) {
            case (.counter, .counter(let sum)):
                line(counter, one.id.labels, sum, format == .openMetrics ? one.exemplars[0] : nil)
            case (.gauge, .gauge(let value)): line(family, one.id.labels, value)
            case (.histogram, .histogram(let distribution)): write(distribution, family, one)
            default: continue
            }
        }
    }

    private mutating func write(_ distribution: Distribution, _ family: String, _ series: MetricSeries) {
        let exemplars = format == .openMetrics ? series.exemplars : [:]
        var sum: UInt64 = 0
        for (index, count) in distribution.counts.enumerated() {
            sum += count
            let bound = index < distribution.bounds.count ? Self.number(distribution.bounds[index]) : "+Inf"
            line(family + "_bucket", series.id.labels, Double(sum), exemplars[index], bound: bound)
        }
        line(family + "_sum", series.id.labels, distribution.sum)
        line(family + "_count", series.id.labels, Double(sum))
    }

    private mutating func line(
        _ name: String, _ labels: [SeriesID.Label], _ value: Double, _ exemplar: MetricSeries.Exemplar? = nil,
        bound: String? = nil
    ) {
        var pairs = labels.map { "\(Self.labelName($0.name))=\"\(Self.escaped($0.value, quotes: true))\"" }
        if let bound { pairs.append("le=\"\(bound)\"") }
        text += name
        if !pairs.isEmpty { text += "{\(pairs.joined(separator: ","))}" }
        text += " \(Self.number(value))"
        if let exemplar, let label = Self.exemplarLabel(exemplar.conversationID) {
            let seconds = String(format: "%.3f", Double(exemplar.at) / 1000)
            text += " # {\(label)} \(Self.number(exemplar.value)) \(seconds)"
        }
        text += "\n"
    }

    /// `nil` for one that is longer than OpenMetrics allows: 128 characters for name and value together.
    private static func exemplarLabel(_ conversation: String) -> String? {
        let name = "gen_ai_conversation_id"
        guard name.count + conversation.unicodeScalars.count <= 128 else { return nil }
        return "\(name)=\"\(escaped(conversation, quotes: true))\""
    }

    // MARK: Names and values

    /// What Prometheus calls a metric: `[a-zA-Z_:][a-zA-Z0-9_:]*`, with its unit, and a counter with `_total`.
    static func name(_ name: String, unit: MetricDefinition.Unit, isCounter: Bool) -> String {
        var text = labelName(name)
        if !text.hasSuffix(unit.suffix) { text += unit.suffix }
        if isCounter { text += "_total" }
        return text
    }

    static func labelName(_ name: String) -> String {
        let allowed = name.unicodeScalars.map { scalar -> Character in
            let isAllowed =
                ("a"..."z").contains(scalar) || ("A"..."Z").contains(scalar) || ("0"..."9").contains(scalar)
                || scalar == "_"
            return isAllowed ? Character(scalar) : "_"
        }
        let text = String(allowed)
        return text.first?.isNumber ?? true ? "_" + text : text
    }

    static func escaped(_ text: String, quotes: Bool) -> String {
        var result = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\\": result += "\\\\"
            case "\n": result += "\\n"
            case "\"" where quotes: result += "\\\""
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result
    }

    static func number(_ value: Double) -> String {
        if value.isNaN { return "NaN" }
        if value.isInfinite { return value > 0 ? "+Inf" : "-Inf" }
        if value == value.rounded(), abs(value) < 1e15 { return String(Int64(value)) }
        return "\(value)"
    }
}
