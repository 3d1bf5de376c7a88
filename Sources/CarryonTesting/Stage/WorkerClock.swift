/// A worker's way to an ``ImmediateClock``.
///
/// A worker sleeps before it does something again, and then nothing else happens: it is woken at once. Or it sleeps
/// beside something that it waits for (a call of a tool, deferred work), as the bound of that: it is woken when somebody
/// else's sleep has moved the time that far.
struct WorkerClock: Clock {
    let clock: ImmediateClock
    let worker: MockWorker

    var now: VirtualInstant { clock.now }
    var minimumResolution: Duration { clock.minimumResolution }

    func sleep(until deadline: VirtualInstant, tolerance: Duration?) async throws {
        if worker.isAsking {
            try await clock.sleep(until: deadline, tolerance: tolerance)
        } else {
            try await clock.untilReached(deadline)
        }
    }
}
