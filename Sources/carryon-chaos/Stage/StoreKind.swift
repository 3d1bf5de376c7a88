import ArgumentParser

/// Where the service keeps its sessions in a run.
enum StoreKind: String, Sendable, CaseIterable, ExpressibleByArgument {
    case sqlite
}
