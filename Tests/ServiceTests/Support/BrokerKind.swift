import TestSupport
import Testing

/// What the workers of a test connect to, over TCP in either case.
enum BrokerKind: String, Sendable, CustomTestStringConvertible {
    /// A broker process.
    case tansu
    /// librdkafka's mock, in the tests' own process.
    case embedded

    var testDescription: String { rawValue }

    var isAvailable: Bool { self == .embedded || Tansu.isAvailable }
}
