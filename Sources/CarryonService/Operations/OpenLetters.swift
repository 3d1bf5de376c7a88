import Conversation
import Gateway
import Kafka
import Logging

/// The dead letters that nobody has dealt with, as far as an operator's page shows them.
///
/// However many pages ask, the topic is read by one at a time and no more often than every few seconds.
actor OpenLetters {
    /// The newest of them; the command line shows all.
    private static let shown = 100
    private static let freshness = Duration.seconds(5)
    private static let patience = Duration.seconds(5)

    private let settings: Settings
    private let logger: Logger
    private var last: (at: ContinuousClock.Instant, found: GatewayOperations.DeadLetters)?
    private var reading: Task<GatewayOperations.DeadLetters, Never>?

    init(settings: Settings, logger: Logger) {
        self.settings = settings
        self.logger = logger
    }

    /// What the topic held a few seconds ago at most, or why that is not known.
    func current() async -> GatewayOperations.DeadLetters {
        if let last, ContinuousClock.now - last.at < Self.freshness { return last.found }
        if let reading { return await reading.value }
        let task = Task { await Self.readInTime(settings, logger) }
        reading = task
        let found = await task.value
        reading = nil
        last = (.now, found)
        return found
    }

    private static func readInTime(_ settings: Settings, _ logger: Logger) async -> GatewayOperations.DeadLetters {
        await withTaskGroup(of: GatewayOperations.DeadLetters?.self) { group in
            group.addTask { await read(settings, logger) }
            group.addTask {
                // Cancelled once the letters are read.
                try? await Task.sleep(for: patience)
                return nil
            }
            let first = await group.next()
            group.cancelAll()
            return (first ?? nil) ?? .unknown("The dead letters could not be read in time.")
        }
    }

    private static func read(_ settings: Settings, _ logger: Logger) async -> GatewayOperations.DeadLetters {
        do {
            let reader = try await LetterReader(settings: settings, logger: logger)
            let ledger: Result<LetterLedger, any Error>
            do {
                ledger = .success(try await reader.ledger())
            } catch {
                ledger = .failure(error)
            }
            await reader.close()
            let open = try ledger.get().entries.filter(\.isOpen).sorted { $0.letter.writtenAt > $1.letter.writtenAt }
            return .letters(open.prefix(shown).map(\.json))
        } catch {
            logger.warning("The dead letters can't be read.", metadata: ["error": "\(error)"])
            return .unknown("The dead letters can't be read; the log of the gateway says why.")
        }
    }
}
