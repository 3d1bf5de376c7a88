import Conversation
import Foundation
import Glibc

/// Where the broker of a running `carryon dev` listens, for commands started in the same directory.
struct DevelopmentBroker: Sendable {
    /// The directory that `carryon dev` keeps everything in.
    static let directory = ".carryon"
    private static let path = directory + "/dev.json"

    let bootstrapServers: String
    let processID: Int32

    /// The broker of a `carryon dev` that runs in this directory.
    static func running() -> DevelopmentBroker? {
        guard let bytes = FileManager.default.contents(atPath: path),
            let object = try? JSON(parsing: Array(bytes)).objectValue,
            let servers = object["bootstrapServers"]?.stringValue, let processID = object["pid"]?.int
        else { return nil }
        let broker = DevelopmentBroker(bootstrapServers: servers, processID: Int32(clamping: processID))
        return kill(broker.processID, 0) == 0 ? broker : nil
    }

    /// Lets other commands find the broker.
    func announce() throws {
        let object: JSON = [
            "bootstrapServers": .string(bootstrapServers), "pid": .number(JSONNumber(Int(processID))),
        ]
        try FileManager.default.createDirectory(atPath: Self.directory, withIntermediateDirectories: true)
        try Data(object.serialized()).write(to: URL(fileURLWithPath: Self.path), options: .atomic)
    }

    /// The broker is about to stop.
    func withdraw() {
        unlink(Self.path)
    }
}
