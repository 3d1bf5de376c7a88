import ArgumentParser
import Conversation
import Kafka
import SessionStore

extension ReplayCommand {
    /// `carryon replay resume`
    struct Resume: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "resume",
            abstract: "Settles now what was never settled, as after a store was restored from a backup.",
            discussion: """
                For the live store and topics: stop the workers first. What the store has settled is passed over. Of the \
                rest, what the events say is settled is brought into the store without a model call, as by 'carryon \
                rebuild --continue'; everything else is carried out. No offset is committed: workers pass over it all. Interrupted, it is begun again. A session's \
                requests are settled in their order: one in front of a settled one counts as settled too.
                """)

        @OptionGroup var range: ReplayRangeOptions
        @Flag(help: "Goes on though the broker tells of workers: they are known to be dead.") var ignoreMembers = false
        @Flag(help: "One JSON object instead of a table.") var json = false

        func run() async throws {
            let invocation = try Invocation.required()
            let source = try TopicRebuild(invocation)
            let all = try await source.partitions()
            let partitions = try range.selected(of: all, topic: source.settings.requestsTopic)
            let range = try range.range(now: wallClock())
            try await source.requireNoWorkers(unless: ignoreMembers)
            let store = try source.settings.openStore(mustExist: true)
            var found: [(partition: Int32, counts: ResumeReplay.Counts)] = []
            try await store.closing {
                let resume = try ResumeReplay(source, invocation, store: store)
                for partition in partitions {
                    found.append((partition, try await resume.run(partition, range)))
                }
                resume.close()
            }
            await source.close()
            tell(found)
        }

        private func tell(_ found: [(partition: Int32, counts: ResumeReplay.Counts)]) {
            if json {
                let rows = found.map { partition, counts -> JSON in
                    [
                        "partition": .number(JSONNumber(Int(partition))), "read": .number(JSONNumber(counts.read)),
                        "passed": .number(JSONNumber(counts.passed)), "settled": .number(JSONNumber(counts.settled)),
                        "undecodable": .number(JSONNumber(counts.undecodable)),
                        "seconds": .number(JSONNumber(counts.seconds) ?? JSONNumber(0)),
                    ]
                }
                return print(JSON.array(rows).serializedString)
            }
            let rows = found.map { partition, counts in
                [
                    "\(partition)", "\(counts.read)", "\(counts.passed)", "\(counts.settled)", "\(counts.undecodable)",
                ]
            }
            print(TextTable(["PARTITION", "READ", "WERE SETTLED", "SETTLED NOW", "NO REQUESTS"], rows))
        }
    }
}
