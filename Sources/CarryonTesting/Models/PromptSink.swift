import ChatAgent
import LanguageModels

/// Where a model notes what it is asked: in the test whose agent asks it.
final class PromptSink: Sendable {
    @TaskLocal static var current: PromptSink?

    private let worker: MockWorker
    private let identity: TurnIdentity

    init(worker: MockWorker, identity: TurnIdentity) {
        self.worker = worker
        self.identity = identity
    }

    func note(_ request: ModelRequest) {
        worker.note(request, identity)
    }
}
