/// One figure.
struct Measurement: Sendable {
    /// Under which circumstances, where a benchmark compares some.
    var variant: String
    var name: String
    var value: Double
    var unit: String
    /// What it is to be compared with.
    var remark: String

    init(_ variant: String = "", _ name: String, _ value: Double, _ unit: String, _ remark: String = "") {
        self.variant = variant
        self.name = name
        self.value = value
        self.unit = unit
        self.remark = remark
    }

    /// With as many digits as mean something.
    var text: String {
        switch abs(value) {
        case 1000...: Self.grouped(value)
        case 100...: Self.decimal(value, digits: 0)
        case 10...: Self.decimal(value, digits: 1)
        default: Self.decimal(value, digits: 2)
        }
    }

    private static func grouped(_ value: Double) -> String {
        guard let whole = Int(exactly: value.rounded()) else { return "\(value)" }
        var digits = Array(String(abs(whole)))
        var index = digits.count - 3
        while index > 0 {
            digits.insert(",", at: index)
            index -= 3
        }
        return (whole < 0 ? "-" : "") + String(digits)
    }

    private static func decimal(_ value: Double, digits: Int) -> String {
        var scale = 1.0
        for _ in 0..<digits { scale *= 10 }
        let rounded = (value * scale).rounded() / scale
        var text = "\(rounded)"
        if digits == 0, text.hasSuffix(".0") { text.removeLast(2) }
        return text
    }
}
