import ChatAgent
import Conversation
import SessionStore

extension TurnExecutor {
    /// That the request's session is parked, if that holds the request back: what an operator has sent again passes, and
    /// so does a stop, which has nothing to stop then.
    ///
    /// What this host was told may be a second old, so the store has the last word.
    @inline(never)
    func park(of work: RequestInHand) async throws -> ParkedSession? {
        guard environment.live.isParked(work.dispatch.session), !work.isRedriven, !work.request.isStop,
            !work.memory.isClosed
        else { return nil }
        return try await environment.store.parkedSession(work.dispatch.session)
    }

    /// A permit to run, once nothing holds the partition up.
    @inline(never)
    func permit(for work: RequestInHand) async -> Permits.Permit {
        while true {
            await work.grant.passPause()
            let permit = await environment.permits.acquire(for: work.dispatch.record.tenant)
            if !work.grant.isPaused { return permit }
            permit.release()
        }
    }
}

extension RequestInHand.Closing {
    /// How a request ends whose session is parked: readers are told that it is not answered now, and it is kept in the
    /// dead letters until the session is released.
    static func parked(_ requestID: String, _ park: ParkedSession) -> Self {
        var closing = Self(control: .rejected(requestID: requestID), rejection: TurnError(park))
        closing.rejectionCause = .parked
        return closing
    }
}

extension TurnError {
    /// Why a request is set aside whose session is parked.
    init(_ park: ParkedSession) {
        self.init(code: "session_parked", message: park.reason)
    }
}

extension Request {
    /// Whether the request is to end the turn that runs.
    var isStop: Bool { if case .stop = kind { true } else { false } }
}
