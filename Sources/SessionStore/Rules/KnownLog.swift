/// The current epoch of a partition's log, and what is known of it.
struct KnownLog: Equatable, Sendable {
    let epoch: Int64
    let mark: SettledMark?

    /// What follows from a look at the log itself.
    ///
    /// - Parameters:
    ///   - read: what the store knows of the log.
    ///   - fingerprintAt: as in ``SessionStore/identifyLog``.
    ///   - begin: makes a log the current one of its partition in place of what was read, unless that has changed.
    static func identify(
        cluster: String, topic: String, partition: Int32, startOffset: Int64, endOffset: Int64,
        fingerprintAt: @Sendable (Int64) async -> Int64?, read: () async throws(StoreError) -> KnownLog?,
        begin: (LogIdentity, KnownLog?) async throws(StoreError) -> Bool
    ) async throws(StoreError) -> LogIdentification {
        while true {
            let seen = try await read()
            var reason: String?
            if let mark = seen?.mark {
                var verdict = mark.judge(startOffset: startOffset, endOffset: endOffset)
                if verdict == .dependsOnRecord { verdict = mark.judge(found: await fingerprintAt(mark.offset)) }
                if case .anotherLog(let found) = verdict { reason = found }
            }
            let epoch = seen.map { reason == nil ? $0.epoch : $0.epoch + 1 } ?? 0
            let log = LogIdentity(cluster: cluster, topic: topic, partition: partition, epoch: epoch)
            let identification = LogIdentification(log: log, isNewEpoch: reason != nil, reason: reason)
            if seen?.epoch == epoch { return identification }
            // The look at the record was outside any transaction: start over if the log's row has changed since.
            if try await begin(log, seen) { return identification }
        }
    }
}
