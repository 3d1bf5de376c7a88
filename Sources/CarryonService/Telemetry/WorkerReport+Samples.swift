import Consumer
import Kafka
import Telemetry
import TurnHost

extension WorkerReport {
    /// What the worker has at the moment, as gauges.
    var samples: [MetricSample] {
        let vitals = status.hosts.compactMap(\.vitals)
        func longest(_ path: KeyPath<HostVitals, Duration?>) -> Double {
            vitals.compactMap { $0[keyPath: path] }.max()?.inSeconds ?? 0
        }
        var samples = status.partitions.flatMap(\.samples)
        samples += [
            MetricSample(MetricCatalog.ready, health.isReady ? 1 : 0),
            MetricSample(MetricCatalog.hostsUp, Double(status.hosts.count(where: \.isUp))),
            MetricSample(MetricCatalog.turnsRunning, Double(vitals.reduce(0) { $0 + $1.running })),
            MetricSample(MetricCatalog.sessions, Double(vitals.reduce(0) { $0 + $1.sessions })),
            MetricSample(MetricCatalog.sessionsParked, Double(status.parkedSessions)),
            MetricSample(MetricCatalog.oldestTurn, longest(\.oldestTurn)),
            MetricSample(MetricCatalog.storeAway, longest(\.storeAway)),
            MetricSample(MetricCatalog.eventsStalled, longest(\.eventsStalled)),
            MetricSample(MetricCatalog.eventsOutstanding, Double(vitals.reduce(0) { $0 + $1.eventsOutstanding })),
        ]
        return samples
    }
}

extension ConsumerStatus.Partition {
    fileprivate var samples: [MetricSample] {
        func sample(_ metric: MetricDefinition, _ value: Double) -> MetricSample {
            MetricSample(metric, value, partition.topic, "\(partition.partition)")
        }
        var samples = [
            sample(MetricCatalog.partitionGranted, isGranted ? 1 : 0),
            sample(MetricCatalog.partitionPaused, haltReason == nil ? 0 : 1),
            sample(MetricCatalog.partitionSpan, Double(span)),
            sample(MetricCatalog.partitionQueued, Double(held - running)),
            sample(MetricCatalog.partitionRunning, Double(running)),
            sample(MetricCatalog.partitionOldest, head?.age.inSeconds ?? 0),
        ]
        if let watermark, let end {
            samples.append(sample(MetricCatalog.partitionLag, Double(max(end - watermark, 0))))
        }
        return samples
    }
}
