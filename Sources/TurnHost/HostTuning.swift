/// The settings of a turn host that can be changed while it runs.
package struct HostTuning: Sendable, Hashable {
    /// How many turns may run at once. Turns that run go on when it is lowered below their number.
    package var concurrency: Int
    /// How many runs of a turn may end in a crash before the request is given up.
    package var crashAttempts: Int
    /// How many runs of a turn may end for lack of memory before the request is given up.
    package var outOfMemoryAttempts: Int

    package init(concurrency: Int, crashAttempts: Int, outOfMemoryAttempts: Int) {
        self.concurrency = concurrency
        self.crashAttempts = crashAttempts
        self.outOfMemoryAttempts = outOfMemoryAttempts
    }

    /// As a host starts with.
    package init(_ options: HostOptions) {
        self.init(
            concurrency: options.concurrency, crashAttempts: options.crashAttempts,
            outOfMemoryAttempts: options.outOfMemoryAttempts)
    }
}
