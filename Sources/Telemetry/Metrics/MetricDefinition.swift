import Synchronization

/// One of the service's own metrics, as its documentation and its exporters describe it.
package struct MetricDefinition: Sendable, Hashable {
    /// How values come together.
    package enum Kind: Sendable, Hashable {
        /// Only goes up.
        case counter
        /// What it is at the moment.
        case gauge
        /// How many values there were up to each of these bounds.
        case histogram([Double])
    }

    /// The unit of the values, by its UCUM name, as OpenTelemetry has it.
    package enum Unit: String, Sendable, Hashable {
        case seconds = "s"
        case bytes = "By"
        case one = "1"

        /// What Prometheus appends to the name.
        var suffix: String {
            switch self {
            case .seconds: "_seconds"
            case .bytes: "_bytes"
            case .one: ""
            }
        }
    }

    /// Words with dots between them, as OpenTelemetry has it: `carryon.turn.duration`.
    package let name: String
    package let kind: Kind
    package let unit: Unit
    /// One sentence without its full stop.
    package let help: String
    /// The labels that a series of it has, three at most; an empty value is left out.
    package let labels: [String]
    /// Its number among all definitions: where a registry finds what is counted of it.
    let number: Int

    init(_ name: String, _ kind: Kind, unit: Unit = .one, labels: [String] = [], _ help: String) {
        self.name = name
        self.kind = kind
        self.unit = unit
        self.labels = labels
        self.help = help
        number = Self.made.wrappingAdd(1, ordering: .relaxed).oldValue
    }

    private static let made = Atomic(0)

    /// The name by which Prometheus knows it: `carryon_turn_duration_seconds`.
    package var prometheusName: String { PrometheusText.name(name, unit: unit, isCounter: kind == .counter) }

    /// Bounds for what takes milliseconds to seconds, in seconds (OpenTelemetry, semantic conventions of durations).
    static let durations: [Double] = [
        0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30,
    ]
    /// Bounds for what a person waits for, in seconds.
    static let turns: [Double] = [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 40, 80, 160, 320, 640]
    static let sizes: [Double] = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512]
}
