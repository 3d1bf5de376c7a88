import DequeModule

/// Lets a number of tasks through at once; the others wait, first come first served.
actor Permits {
    private var free: Int
    private var waiting: Deque<CheckedContinuation<Void, Never>> = []

    init(_ count: Int) { free = count }

    /// Every call is to be followed by one of ``giveBack()``.
    func take() async {
        if free > 0 {
            free -= 1
            return
        }
        await withCheckedContinuation { waiting.append($0) }
    }

    func giveBack() {
        if let next = waiting.popFirst() {
            next.resume()
        } else {
            free += 1
        }
    }
}
