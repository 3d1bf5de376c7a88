/// The tools of a turn.
public struct ToolSet: Sendable, ExpressibleByArrayLiteral {
    /// What becomes of a call of a tool that is not in the set.
    public enum Undeclared: Sendable, Hashable {
        /// Its result is an error that names the tools there are.
        case fails
        /// It is left open, to be answered from outside.
        case isExternal
    }

    /// The tools in the order in which the model is told of them.
    public let tools: [Tool]
    /// How many calls of one step run at once.
    public var maximumConcurrency: Int
    public var undeclared: Undeclared
    private let indexes: [String: Int]

    /// Makes a set. Of tools with the same name the last counts.
    public init(_ tools: [Tool], undeclared: Undeclared = .fails, maximumConcurrency: Int = 8) {
        self.tools = tools
        self.undeclared = undeclared
        self.maximumConcurrency = max(maximumConcurrency, 1)
        indexes = Dictionary(tools.enumerated().map { ($1.name, $0) }, uniquingKeysWith: { $1 })
    }

    public init(arrayLiteral elements: Tool...) {
        self.init(elements)
    }

    /// The tool of this name.
    public subscript(name: String) -> Tool? { indexes[name].map { tools[$0] } }
}
