import Dispatch
import Kafka
import Logging
import SessionStore
import Telemetry
import TurnHost

extension WorkerConsumer {
    /// Carries one decision out. Never blocks: the poll thread and the hosts' threads come through here.
    func perform(_ action: ConsumerCore.Action) {
        guard let clients else { return }
        switch action {
        case .send(let slot, let command):
            clients.pool.send(command, to: slot)
        case .commit(let watermarks):
            commit(watermarks, with: clients.consumer)
        case .pause(let partition):
            // Refused for a partition that is not assigned yet, which is tried again from the clock's round.
            try? clients.consumer.pause([partition])
        case .resume(let partition):
            do {
                try clients.consumer.resume([partition])
            } catch {
                logger.warning("\(error)", metadata: ["partition": "\(partition)"])
            }
        case .writeDeadLetter(let entry, let record, let code, let message):
            writeDeadLetter(entry, record, code: code, message: message, with: clients.producer)
        case .prepare(let partition, let assignment, let reason):
            logger.notice("\(partition) is identified anew: \(reason)")
            Task { await self.prepare([partition: assignment], gate: nil) }
        case .refence(let partition, let assignment):
            Task { await self.refence(partition, assignment: assignment) }
        case .fetch(let partition, let number, let offsets):
            Task { await self.fetch(partition, number: number, offsets) }
        case .noteLost(let partition, let offset, let reason):
            noteLost(partition, offset: offset, reason: reason)
        case .startTrialHost(let slot):
            logger.notice("Sessions whose hosts died under them again are tried apart.", metadata: ["slot": "\(slot)"])
            clients.pool.demand(slot: slot)
        case .breakOff(let slot, let reason):
            logger.error("A turn host is ended: it \(reason).", metadata: ["slot": "\(slot)"])
            clients.pool.breakOff(slot: slot, because: reason)
        }
    }

    private func commit(_ watermarks: [TopicPartition: Int64], with consumer: KafkaConsumer) {
        options.onStep?(.beforeCommit)
        let asked = ContinuousClock.now
        MetricCatalog.commitPartitions.record(Double(watermarks.count))
        consumer.commit(watermarks.mapValues { CommittedOffset(offset: $0) }) { result in
            var outcomes: [TopicPartition: CommitScheduler.Outcome] = [:]
            for partition in watermarks.keys {
                switch result {
                case .success(let refusals):
                    outcomes[partition] = (refusals[partition] ?? nil).map { .init(refusal: $0) } ?? .committed
                case .failure(let error): outcomes[partition] = .init(refusal: error)
                }
            }
            MetricCatalog.commitDuration.record(since: asked)
            let isRefused = outcomes.values.contains { $0 != .committed }
            MetricCatalog.commits.add(1, isRefused ? "refused" : "ok")
            self.noteRefusal(result)
            let answered = outcomes
            self.step { $0.commitFinished(answered, at: .now) }
        }
    }

    /// A refusal is no loss, since the settled requests are passed over when they come again; but it wants to be known.
    private func noteRefusal(_ result: Result<[TopicPartition: KafkaError?], KafkaError>) {
        switch result {
        case .success(let refusals):
            for (partition, refusal) in refusals.sorted(by: { $0.key < $1.key }) {
                guard let refusal else { continue }
                logger.notice("A commit was refused: \(refusal)", metadata: ["partition": "\(partition)"])
            }
        case .failure(let error) where !error.isClosed: logger.notice("\(error)")
        case .failure: return
        }
    }

    private func writeDeadLetter(
        _ entry: Int64, _ record: KafkaRecord, code: String, message: String, with producer: KafkaProducer
    ) {
        let letter = DeadLetter(
            record: record, consumerGroup: options.groupID, cause: .undecodable, code: code, message: message)
        var metadata: Logger.Metadata = [
            "topic": "\(record.topic)", "partition": "\(record.partition)", "offset": "\(record.offset)",
            "code": "\(code)",
        ]
        if let session = record.keyString { metadata["gen_ai.conversation.id"] = "\(session)" }
        let told = metadata
        producer.produce(letter.producerRecord(topic: options.deadLettersTopic)) { result in
            switch result {
            case .success:
                MetricCatalog.deadLetters.add(1, letter.cause.rawValue)
                self.logger.warning("A request was undecodable and went to the dead letters.", metadata: told)
                self.step { $0.deadLetterWritten(entry: entry, at: .now) }
            case .failure(let error):
                self.logger.error("A dead letter was not written, and will be: \(error)", metadata: told)
                self.withCore { $0.deadLetterFailed(entry: entry, at: .now) }
            }
        }
    }

    /// The hosts' side of the story.
    func happened(_ event: HostPool.Event) {
        switch event {
        case .started(let slot, let hostID):
            let process = clients?.pool.hosts.first { $0.slot == slot }?.processID
            logger.info(
                "A turn host is up.",
                metadata: [
                    "host": "\(hostID)", "slot": "\(slot)", "process": "\(process.map(String.init) ?? "this one")",
                ])
            MetricCatalog.hostStarts.add()
            step { $0.hostStarted(slot) }
        case .reported(_, .counted(let news)):
            options.onCounted?(news)
        case .reported(let slot, let report):
            step { $0.reported(report, by: slot, at: .now) }
            if case .yielded = report { yields.signal() }
        case .died(let slot, let death):
            MetricCatalog.hostDeaths.add(1, death.kind.rawValue)
            let lost = withCore { $0.heldCount(ofSlot: slot) }
            step { $0.hostDied(slot, death: death, at: .now) }
            logger.log(
                level: death.kind == .handover ? .info : .warning, "A turn host has ended.",
                metadata: ["host": "\(death.hostID)", "cause": "\(death.cause)", "requests": "\(lost)"])
            yields.signal()
        case .spareDied(let death):
            MetricCatalog.hostDeaths.add(1, death.kind.rawValue)
            logger.log(
                level: death.kind == .handover ? .info : .warning, "A spare turn host has ended.",
                metadata: ["host": "\(death.hostID)", "cause": "\(death.cause)"])
        }
    }
}
