import ChatAgent
import Logging
import SessionStore

extension TurnExecutor {
    /// Carries a run out within its time, and what is to be done after its settlement with it.
    func limitingTime(
        of run: StoredRun, _ control: TurnControl, _ body: () async throws -> Fate
    ) async throws -> Fate {
        let limit = limitTime(of: run, control)
        do {
            let fate = try await body()
            guard case .settled(let afterwards?) = fate else {
                limit?.cancel()
                return fate
            }
            return .settled {
                await afterwards()
                limit?.cancel()
            }
        } catch {
            limit?.cancel()
            throw error
        }
    }

    /// Sees to it that a run ends: asks it to when its time is up, and waits for it no longer when that does not help, so
    /// that what waits behind it goes on. The same holds for each hook around it; one that begins late has the time of a
    /// grace all the same.
    /// - Returns: what does so; to be cancelled when the run is over.
    private func limitTime(of run: StoredRun, _ control: TurnControl) -> Task<Void, Never>? {
        guard let limit = environment.options.turnTimeout else { return nil }
        let environment = environment
        return Task {
            guard (try? await environment.clock.sleep(for: limit)) != nil else { return }
            let metadata: Logger.Metadata = [
                "session": "\(run.session)", "turn": "\(run.turn)", "run": "\(run.run)", "limit": "\(limit)",
            ]
            if control.end(.timedOut(after: limit)) {
                environment.logger.warning("A turn has taken too long and is ended.", metadata: metadata)
            }
            while !Task.isCancelled {
                let awaited = control.awaited
                guard (try? await environment.clock.sleep(for: environment.options.turnTimeoutGrace)) != nil else {
                    return
                }
                switch awaited.flatMap(control.leaveBehind) {
                case .run:
                    environment.logger.error(
                        "A turn that was ended goes on all the same, and is left behind.", metadata: metadata)
                case .hook(let hook):
                    environment.logger.error(
                        "A hook does not come to its end, and is left behind.",
                        metadata: metadata.merging(["hook": "\(hook)"]) { $1 })
                case nil: break
                }
            }
        }
    }
}
