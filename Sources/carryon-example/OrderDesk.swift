import ChatAgent
import Conversation
import HTTPTools
import LanguageModels

/// An order desk: finds orders, asks a carrier what a delivery costs, and pays back what somebody has approved.
struct OrderDesk: ChatAgent {
    let name = "order-desk"
    let model: any LanguageModel
    private let toolSet: ToolSet

    /// - Parameter carrier: the address that knows what a delivery costs.
    init(model: any LanguageModel, carrier: String) throws {
        self.model = model
        let order: JSON = [
            "type": "object", "properties": ["order": ["type": "string"]], "required": ["order"],
        ]
        let delivery: JSON = [
            "type": "object", "properties": ["city": ["type": "string"]], "required": ["city"],
        ]
        let refund: JSON = [
            "type": "object",
            "properties": ["order": ["type": "string"], "amount": ["type": "number", "exclusiveMinimum": 0]],
            "required": ["order", "amount"],
        ]
        toolSet = [
            // Carried out here. To look an order up twice does no harm, so after a death it is simply done again.
            Tool("find_order", description: "Finds an order.", input: try JSONSchema(order), doubt: .runAgain) { call in
                guard let number = call.input["order"]?.stringValue, let found = Self.orders[number] else {
                    throw ToolError("there is no such order")
                }
                return found
            },
            // Carried out by a server, which knows a call that comes twice by its Idempotency-Key.
            .http(
                "delivery_price", description: "What a delivery to a city costs.", input: try JSONSchema(delivery),
                endpoint: try HTTPEndpoint(url: carrier), doubt: .runAgain),
            // Small sums are paid at once; for others the turn ends here, and goes on when somebody has said yes.
            Tool(
                "refund", description: "Pays back.", input: try JSONSchema(refund),
                approval: .when { ($0.input["amount"]?.double ?? .infinity) > 20 }
            ) { call in
                ["paid": call.input["amount"] ?? 0, "receipt": .string("receipt-\(call.id)")]
            },
        ]
    }

    func tools(for turn: TurnIdentity) async throws -> ToolSet { toolSet }

    func run(_ turn: Turn) async throws {
        try await turn.respond(with: model, system: "You are the order desk of a small shop. Be brief.")
    }

    private static let orders: [String: JSON] = [
        "1001": ["item": "a lamp", "total": 34.5, "state": "delivered"],
        "1002": ["item": "two chairs", "total": 180, "state": "on its way"],
    ]
}
