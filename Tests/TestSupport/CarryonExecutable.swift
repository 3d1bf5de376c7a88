internal import Foundation

/// Where a built executable of this package is: beside the one that runs.
package enum CarryonExecutable {
    struct Missing: Error, CustomStringConvertible {
        let name: String
        let looked: [String]

        var description: String {
            "There is no executable \(name) in \(looked.joined(separator: " or ")): run 'swift build' first."
        }
    }

    package static func find(_ name: String) throws -> String {
        let started = URL(filePath: CommandLine.arguments.first ?? "").resolvingSymlinksInPath()
        var directories = [started.deletingLastPathComponent()]
        if let link = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe") {
            directories.append(URL(filePath: link).deletingLastPathComponent())
        }
        directories.append(URL(filePath: FileManager.default.currentDirectoryPath).appending(path: ".build/debug"))
        let candidates = directories.map { $0.appending(path: name).path(percentEncoded: false) }
        guard let found = candidates.first(where: FileManager.default.isExecutableFile) else {
            throw Missing(name: name, looked: directories.map { $0.path(percentEncoded: false) })
        }
        return found
    }
}
