/// The events of an answer, in order.
struct AnswerEvents {
    private let handOver: HandOver<[ServerSentEvent]>
    private let watch: StreamWatch
    private var waiting: [ServerSentEvent] = []
    private var position = 0

    init(_ handOver: HandOver<[ServerSentEvent]>, _ watch: StreamWatch) {
        self.handOver = handOver
        self.watch = watch
    }

    /// The next event; `nil` when the stream has ended.
    mutating func next() async throws -> ServerSentEvent? {
        while position == waiting.count {
            guard let more = try await handOver.next() else { return nil }
            waiting = more
            position = 0
        }
        defer { position += 1 }
        return waiting[position]
    }

    /// The answer is complete: reads on to the end of the stream, so that its connection can serve again, but does not
    /// wait long for that, and does not mind if it fails.
    mutating func drain(within duration: Duration = .seconds(1)) async {
        watch.expectEnd(within: duration)
        while (try? await next()) != nil {}
    }

    /// The answer is complete but for what may follow it, such as its cost.
    func expectEnd(within duration: Duration = .seconds(5)) {
        watch.expectEnd(within: duration)
    }
}
