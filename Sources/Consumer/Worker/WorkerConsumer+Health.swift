import Kafka
import Logging
import SessionStore

extension WorkerConsumer {
    /// How the worker is, by its own clocks.
    package var health: WorkerHealth {
        let now = ContinuousClock.now
        let membership = clients?.consumer.groupMembership ?? .notJoined
        return HealthEvidence(
            status: status, membership: membership, outsideGroup: watch.outsideGroup(membership, at: now),
            storeAge: watch.storeAge(at: now), storeError: watch.storeError?.reason,
            fatal: clients?.consumer.fatal ?? clients?.producer.fatal
        ).judged(by: options.health)
    }

    /// Takes nothing new from now on, stays in the group, and lets what was taken go on to its end.
    package func beginQuiet() {
        logger.notice("Nothing new is taken in: the worker was asked for quiet.")
        step { $0.hold(for: .quiet) }
    }

    /// Ends ``beginQuiet()``.
    package func endQuiet() {
        logger.notice("The worker takes in what comes again.")
        step { $0.release(from: .quiet) }
    }

    /// Looks after hosts that have fallen silent, and after what holds a partition back.
    func watchHosts() async {
        while !Task.isCancelled {
            try? await Task.sleep(for: .seconds(1))
            let (now, limit) = (ContinuousClock.now, options.hostTimeout)
            step { $0.breakOffHosts(silentFor: limit, at: now) + $0.askVitals(at: now) }
            if let clients { _ = watch.outsideGroup(clients.consumer.groupMembership, at: now) }
            for (partition, head) in watch.overdue(withCore { $0.heads(at: now) }, limit: options.headAgeLimit, at: now)
            {
                logger.warning(
                    "A request holds back the committed offset of everything behind it.",
                    metadata: [
                        "partition": "\(partition)", "offset": "\(head.offset)",
                        "gen_ai.conversation.id": "\(head.session ?? "none")",
                        "age": "\(head.age.components.seconds) s", "state": "\(head.state)",
                    ])
            }
        }
    }

    /// Asks the store again and again whether it is there. While it is not, nothing new is taken in: it could not be
    /// settled.
    func watchStore() async {
        while !Task.isCancelled {
            do {
                try await store.probe()
                if watch.storeError != nil { logger.notice("The session store is back.") }
                watch.storeWorked(at: .now)
                step { $0.isStoreAwayForAHost ? $0.hold(for: .storeAway) : $0.release(from: .storeAway) }
            } catch {
                if Task.isCancelled { return }
                if watch.storeError == nil {
                    logger.error("Nothing new is taken in: \(error)", metadata: ["code": "\(error.code.rawValue)"])
                }
                watch.storeFailed(error)
                step { $0.hold(for: .storeAway) }
            }
            try? await Task.sleep(for: .milliseconds(500))
        }
    }
}
