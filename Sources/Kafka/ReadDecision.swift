/// What a reader does after a batch.
package enum ReadDecision: Sendable, Hashable {
    case proceed
    case stop
}
