public import Conversation

extension MockChatAgent {
    /// Sends a user's message and waits for everything that it causes.
    /// - Parameters:
    ///   - text: the message's text. Its id is `user-OFFSET`.
    ///   - data: the request's client data; `nil` for that of the session.
    /// - Throws: ``MockChatError``.
    @discardableResult
    public func send(_ text: String, data: JSON? = nil) async throws -> MockTurn {
        try await carryOut { [self] in request(.message(.user(id: "user-\($0)", text: text)), data) }
    }

    /// Sends a message: a user's, or the slim assistant message that answers calls of tools.
    /// - Throws: ``MockChatError``.
    @discardableResult
    public func send(_ message: Message, data: JSON? = nil) async throws -> MockTurn {
        try await carryOut { [self] _ in request(.message(message), data) }
    }

    /// Sends any request, exactly as it is given.
    /// - Throws: ``MockChatError``.
    @discardableResult
    public func send(_ request: Request) async throws -> MockTurn {
        try await carryOut { _ in request }
    }

    /// Has the last message answered again.
    /// - Throws: ``MockChatError``.
    @discardableResult
    public func regenerate(data: JSON? = nil) async throws -> MockTurn {
        try await carryOut { [self] _ in request(.regenerate, data) }
    }

    /// Has an action of the application carried out.
    /// - Throws: ``MockChatError``.
    @discardableResult
    public func act(_ action: JSON, data: JSON? = nil) async throws -> MockTurn {
        try await carryOut { [self] _ in request(.action(action), data) }
    }

    /// Warms the session, so that its first message finds it booted.
    /// - Throws: ``MockChatError``.
    @discardableResult
    public func preload(data: JSON? = nil) async throws -> MockTurn {
        try await carryOut { [self] _ in request(.preload, data) }
    }

    /// Closes the session: it takes no more requests after this one.
    /// - Throws: ``MockChatError``.
    @discardableResult
    public func close(reason: String? = nil) async throws -> MockTurn {
        try await carryOut { _ in Request(kind: .close(reason: reason)) }
    }

    /// Stops the turn that runs; a worker that waits at a step goes on to its end.
    /// - Returns: the turn that was stopped; `nil` if none ran.
    /// - Throws: ``MockChatError``.
    @discardableResult
    public func stop(reason: String? = nil) async throws -> MockTurn? {
        try ensureWorker()
        let running = stage.read { $0.runningTurn }
        let offset = append { _ in Request(kind: .stop(reason: reason)) }
        goOn()
        try await rest(running ?? offset)
        return running.flatMap(turn(at:))
    }

    /// Appends a user's message to the session's log and returns at once: for one that arrives while a turn runs, or
    /// while no worker is there.
    /// - Returns: the request's offset; see ``turn(at:)`` and ``finish()``.
    @discardableResult
    public func enqueue(_ text: String, data: JSON? = nil) -> Int64 {
        append { [self] in request(.message(.user(id: "user-\($0)", text: text)), data) }
    }

    /// Has a user's message arrive at the very moment when the worker comes to a step, counted from now on: the one that
    /// is there, or the next one that boots. It is there before the worker does anything else, so that at
    /// ``KillPoint/stepBoundary`` it can join the turn.
    ///
    /// Comes before a death or a wait that is ordered for the same step. Several may be ordered; their order is kept.
    /// - Parameter occurrence: at which time of that step, from 1.
    public func enqueue(_ text: String, data: JSON? = nil, at point: KillPoint, occurrence: Int = 1) {
        let arrival = StageState.Arrival(trigger: .init(point: point, remaining: occurrence)) { [weak self] in
            self?.enqueue(text, data: data)
        }
        stage.change { $0.arrivals.append(arrival) }
    }

    /// Appends any request to the session's log, exactly as it is given, and returns at once.
    /// - Returns: the request's offset.
    @discardableResult
    public func enqueue(_ request: Request) -> Int64 {
        append { _ in request }
    }

    /// Waits for everything that was asked for so far.
    /// - Returns: what has become of each request that was not over before, in the order of their offsets.
    /// - Throws: ``MockChatError``.
    @discardableResult
    public func finish() async throws -> [MockTurn] {
        try ensureWorker()
        return try await rest(stage.read { $0.unfinished })
    }

    private func request(_ kind: Request.Kind, _ data: JSON?) -> Request {
        Request(kind: kind, data: data ?? self.data)
    }

    private func carryOut(_ request: (Int64) -> Request) async throws -> MockTurn {
        try ensureWorker()
        let offset = append(request)
        try await rest(offset)
        guard let turn = turn(at: offset) else {
            throw MockChatError.impossibleState(reason: "the request at offset \(offset) is gone")
        }
        return turn
    }

    func rest(_ offset: Int64) async throws {
        try await stage.wait(for: "The end of the request at offset \(offset)", within: options.patience) {
            $0.isResting(offset)
        }
    }

    func rest(_ offsets: [Int64]) async throws -> [MockTurn] {
        for offset in offsets { try await rest(offset) }
        return offsets.compactMap(turn(at:))
    }
}
