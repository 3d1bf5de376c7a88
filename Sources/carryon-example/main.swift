import CarryonService
import Foundation

await Carryon.main { context in
    let carrier = ProcessInfo.processInfo.environment["CARRIER_URL"] ?? "http://127.0.0.1:8099/price"
    return try OrderDesk(model: context.model, carrier: carrier)
}
