/// A handful of figures, ordered.
struct Statistics {
    private let ordered: [Double]

    init(_ values: some Sequence<Double>) {
        ordered = values.sorted()
    }

    var median: Double { quantile(0.5) }
    var worst: Double { ordered.last ?? .nan }
    var mean: Double { ordered.isEmpty ? .nan : ordered.reduce(0, +) / Double(ordered.count) }

    /// The smallest of the figures that this share of them does not exceed.
    func quantile(_ share: Double) -> Double {
        guard !ordered.isEmpty else { return .nan }
        let rank = Int((share * Double(ordered.count)).rounded(.up)) - 1
        return ordered[min(max(rank, 0), ordered.count - 1)]
    }
}

extension Duration {
    var inSeconds: Double {
        Double(components.seconds) + Double(components.attoseconds) * 1e-18
    }

    var inMilliseconds: Double { inSeconds * 1000 }
}
