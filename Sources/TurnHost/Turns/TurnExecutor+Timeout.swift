import ChatAgent
import Logging
import SessionStore

extension TurnExecutor {
    /// Sees to it that a run ends: asks it to when its time is up, and waits for it no longer when that does not help, so
    /// that what waits behind it goes on.
    /// - Returns: what does so; to be cancelled when the run is over.
    func limitTime(of run: StoredRun, _ control: TurnControl) -> Task<Void, Never>? {
        guard let limit = environment.options.turnTimeout else { return nil }
        let environment = environment
        return Task {
            guard (try? await environment.clock.sleep(for: limit)) != nil else { return }
            guard control.end(.timedOut(after: limit)) else { return }
            let metadata: Logger.Metadata = [
                "session": "\(run.session)", "turn": "\(run.turn)", "run": "\(run.run)", "limit": "\(limit)",
            ]
            environment.logger.warning("A turn has taken too long and is ended.", metadata: metadata)
            guard (try? await environment.clock.sleep(for: environment.options.turnTimeoutGrace)) != nil else { return }
            if control.abandon() {
                environment.logger.error(
                    "A turn that was ended goes on all the same, and is left behind.", metadata: metadata)
            }
        }
    }
}
