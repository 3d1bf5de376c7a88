import Conversation

extension MetricsRegistry {
    /// What was counted since the last call, for ``merge(_:)`` in another process; `nil` if nothing was.
    ///
    /// A process that dies takes with it what it has not handed over: at most what came between two calls.
    package func takeNews() -> [UInt8]? {
        var entries: [JSON] = []
        for series in all {
            guard let value = series.takeNews() else { continue }
            var entry: JSONObject = ["name": .string(series.id.name)]
            if !series.id.labels.isEmpty {
                entry["labels"] = .array(series.id.labels.map { .array([.string($0.name), .string($0.value)]) })
            }
            switch value {
            case .counter(let sum): entry["sum"] = .number(sum)
            case .gauge: continue
            case .histogram(let distribution):
                entry["sum"] = .number(distribution.sum)
                entry["bounds"] = .array(distribution.bounds.map(JSON.number))
                entry["counts"] = .array(distribution.counts.map { .number(JSONNumber(Int(clamping: $0))) })
            }
            let exemplars = series.exemplars.map { bucket, exemplar -> JSON in
                [
                    "bucket": .number(JSONNumber(bucket)), "conversation": .string(exemplar.conversationID),
                    "value": .number(exemplar.value), "at": .number(JSONNumber(Int(exemplar.at))),
                ]
            }
            if !exemplars.isEmpty { entry["exemplars"] = .array(exemplars) }
            entries.append(.object(entry))
        }
        return entries.isEmpty ? nil : JSON.array(entries).serialized()
    }

    /// Adds what another process has counted. What can't be read is left out.
    package func merge(_ news: [UInt8]) {
        for entry in (try? JSON(parsing: news))?.arrayValue ?? [] {
            guard let name = entry["name"]?.stringValue, let sum = entry["sum"]?.double else { continue }
            let labels = (entry["labels"]?.arrayValue ?? []).compactMap { pair -> (String, String)? in
                let pair = pair.arrayValue?.compactMap(\.stringValue) ?? []
                return pair.count == 2 ? (pair[0], pair[1]) : nil
            }
            let id = SeriesID(name, labels)
            guard let bounds = entry["bounds"]?.arrayValue?.compactMap(\.double) else {
                series(id, .counter(0)).merge(.counter(sum), exemplars: Self.exemplars(entry["exemplars"]))
                continue
            }
            let counts = (entry["counts"]?.arrayValue ?? []).compactMap { $0.int.flatMap(UInt64.init(exactly:)) }
            guard let distribution = Distribution(bounds: bounds, counts: counts, sum: sum) else { continue }
            series(id, .histogram(Distribution(bounds: bounds)))
                .merge(.histogram(distribution), exemplars: Self.exemplars(entry["exemplars"]))
        }
    }
}

extension MetricsRegistry {
    private static func exemplars(_ json: JSON?) -> [Int: MetricSeries.Exemplar] {
        var exemplars: [Int: MetricSeries.Exemplar] = [:]
        for one in json?.arrayValue ?? [] {
            guard let bucket = one["bucket"]?.int, let conversation = one["conversation"]?.stringValue,
                let value = one["value"]?.double, let at = one["at"]?.int
            else { continue }
            exemplars[bucket] = MetricSeries.Exemplar(conversationID: conversation, value: value, at: Int64(at))
        }
        return exemplars
    }
}

extension JSON {
    /// A number; what is none is 0.
    static func number(_ value: Double) -> JSON { .number(JSONNumber(value) ?? JSONNumber(0)) }
}
