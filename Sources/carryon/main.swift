import CarryonService
import ChatAgent

await Carryon.main { $0.configuredAgent ?? Assistant(model: $0.model) }
