/// Decides which events of one session a reader keeps, so that what it has kept is, by `seq`, what the session's
/// rightful runs wrote, each once.
///
/// Feed it every record of the session in the order of the log. A worker that has lost its partition may still append a
/// few records beside those of the run that took over; a record may also be read twice. The rule knows a run by (turn,
/// run), later turns being higher:
///
/// - The first record of a higher run, with `seq` s, tells the reader to forget what lower runs wrote at s and after,
///   if it has seen any of that.
/// - From then on, whatever a lower run wrote is dropped.
/// - Within a run, and for records of no run, a `seq` not above the highest one seen is dropped.
///
/// It holds a few numbers, however long the session is.
public struct ReaderRule: Sendable, Hashable {
    public enum Decision: Sendable, Hashable {
        /// Keep the record.
        case accept
        /// Ignore the record.
        case drop
        /// Forget what was kept with a `seq` of `from` and above, then keep the record. All of that was written by
        /// lower runs, of turn `turn`, or will be read again.
        case acceptForgetting(from: Int64, turn: Int)
    }

    /// The highest run seen.
    private struct Run: Sendable, Hashable, Comparable {
        let turn: Int
        let run: Int

        static func < (one: Run, other: Run) -> Bool { (one.turn, one.run) < (other.turn, other.run) }
    }

    private var current: Run?
    /// The highest `seq` met in the log that is still in force.
    private var highestMet: Int64 = 0
    /// Up to here the reader had everything before the rule began.
    private var known: Int64

    /// A rule for a reader that has everything up to `seq` (0: nothing).
    ///
    /// To resume, feed the log again from anywhere before the first record after `seq`; what the reader has is dropped.
    /// Begin no later than at the running turn's first record: only then can the rule see that a fenced worker wrote
    /// over what the reader has.
    public init(after seq: Int64 = 0) { known = seq }

    /// The highest `seq` that the reader has once it followed every decision.
    public var position: Int64 { max(known, highestMet) }

    /// Decides about the next record of the log.
    public mutating func admit(_ event: EventHeaders) -> Decision {
        admit(seq: event.seq, turn: event.turn, run: event.run)
    }

    /// Decides about the next record of the log, by its headers.
    public mutating func admit(seq: Int64, turn: Int?, run: Int?) -> Decision {
        guard let turn, let run else { return keepIfNew(seq) }
        let writer = Run(turn: turn, run: run)
        guard let current else {
            self.current = writer
            return keepIfNew(seq)
        }
        if writer < current { return .drop }
        if writer == current { return keepIfNew(seq) }
        self.current = writer
        guard seq <= highestMet else { return keepIfNew(seq) }
        // A lower run wrote at this seq and perhaps after. A reader that had more than the lower runs ever wrote was
        // past this point before; any other may hold their words, even where it resumes after them.
        let wasPast = known > highestMet
        highestMet = seq
        if wasPast { return .drop }
        known = min(known, seq - 1)
        return .acceptForgetting(from: seq, turn: current.turn)
    }

    private mutating func keepIfNew(_ seq: Int64) -> Decision {
        guard seq > highestMet else { return .drop }
        highestMet = seq
        return seq > known ? .accept : .drop
    }
}
