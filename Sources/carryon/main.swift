import CarryonService
import ChatAgent

await Carryon.main { Assistant(model: $0.model) }
