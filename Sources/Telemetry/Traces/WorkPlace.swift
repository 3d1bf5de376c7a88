import Synchronization
package import Tracing

/// Where in the service's work something happens: whose session, which request, and which run of which turn. Spans and log
/// lines have it from their task.
package final class WorkPlace: Sendable {
    package let conversationID: String
    /// Where the request stands in its topic.
    package let request: (partition: Int32, offset: Int64)?
    private let begun = Mutex<(turn: Int, run: Int)?>(nil)

    package init(conversationID: String, request: (partition: Int32, offset: Int64)? = nil) {
        self.conversationID = conversationID
        self.request = request
    }

    /// The run that was begun for the request; `nil` before that, and of a request that needs none.
    package var run: (turn: Int, run: Int)? { begun.withLock { $0 } }

    /// A run was begun for the request. A later one takes its place.
    package func begin(turn: Int, run: Int) { begun.withLock { $0 = (turn, run) } }
}

extension ServiceContext {
    /// Both under one key, and behind one reference: whatever is in a context is hashed, copied and cast for every span
    /// that is begun in it.
    final class Whereabouts: Sendable {
        let place: WorkPlace?
        let trace: TraceContext?

        init(place: WorkPlace?, trace: TraceContext?) {
            self.place = place
            self.trace = trace
        }
    }

    private enum WhereaboutsKey: ServiceContextKey {
        typealias Value = Whereabouts
        static var nameOverride: String? { "carryon-whereabouts" }
    }

    var whereabouts: Whereabouts? {
        get { self[WhereaboutsKey.self] }
        set { self[WhereaboutsKey.self] = newValue }
    }

    /// Where this happens. Task-local, since many sessions' turns run in one process.
    package var place: WorkPlace? {
        get { whereabouts?.place }
        set { whereabouts = Whereabouts(place: newValue, trace: trace) }
    }

    /// The span that this happens in, or that it follows from.
    package var trace: TraceContext? {
        get { whereabouts?.trace }
        set { whereabouts = Whereabouts(place: place, trace: newValue) }
    }

    /// The session whose turn this happens in: `gen_ai.conversation.id` of every span and log line, and of metrics'
    /// exemplars. To set it is to be in that session, and at no request of it.
    package var conversationID: String? {
        get { place?.conversationID }
        set { place = newValue.map { WorkPlace(conversationID: $0) } }
    }
}
