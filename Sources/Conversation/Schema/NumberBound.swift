/// `minimum`, `maximum` or one of their exclusive forms.
struct NumberBound: Sendable {
    enum Kind: String, Sendable, CaseIterable {
        case minimum, exclusiveMinimum, maximum, exclusiveMaximum
    }

    let kind: Kind
    let limit: ExactDecimal
    let literal: String

    func admits(_ number: ExactDecimal) -> Bool {
        switch kind {
        case .minimum: number >= limit
        case .exclusiveMinimum: number > limit
        case .maximum: number <= limit
        case .exclusiveMaximum: number < limit
        }
    }

    var phrase: String {
        switch kind {
        case .minimum: "must be at least \(literal)"
        case .exclusiveMinimum: "must be more than \(literal)"
        case .maximum: "must be at most \(literal)"
        case .exclusiveMaximum: "must be less than \(literal)"
        }
    }
}
