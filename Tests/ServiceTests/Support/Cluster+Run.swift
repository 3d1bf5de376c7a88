import Foundation
import TestSupport

/// What went wrong around a cluster, and what its processes said last.
struct ClusterFailure: Error, CustomStringConvertible {
    let description: String
}

/// Runs a test's body with a cluster of its own, not too many at once, and takes it down afterwards.
/// - Parameters:
///   - label: the case, for the failure's message.
///   - suite: what to filter by to run it alone.
func withCluster(
    _ kind: BrokerKind, partitions: Int = 2, hasOwnBroker: Bool = false, store: TestStore? = nil, _ label: String,
    suite: String = #fileID, _ body: (Cluster) async throws -> Void
) async throws {
    try await Slots.clusters.with {
        let cluster = try await Cluster(kind, partitions: partitions, hasOwnBroker: hasOwnBroker, store: store)
        do {
            try await body(cluster)
        } catch {
            let words = cluster.lastWords()
            await cluster.end()
            let filter = suite.split(separator: "/").last?.split(separator: ".").first ?? "ServiceTests"
            throw ClusterFailure(
                description: """
                    \(label), on \(kind.rawValue): \(error)
                    Alone: CARRYON_TEST_CASE='\(label)' swift test --filter \(filter)
                    \(words)
                    """)
        }
        await cluster.end()
    }
}

/// Whether a case of a matrix is asked for: all are, unless `CARRYON_TEST_CASE` names one.
func isAskedFor(_ label: String) -> Bool {
    guard let wanted = ProcessInfo.processInfo.environment["CARRYON_TEST_CASE"], !wanted.isEmpty else { return true }
    return wanted == label
}
