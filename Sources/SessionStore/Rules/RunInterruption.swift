/// The end of a run that does not settle its turn.
struct RunInterruption: Sendable {
    let session: String
    let turn: Int
    let run: Int
    let cause: String
    let kind: RunEnd
    let fence: Fence
    let at: Int64
}
