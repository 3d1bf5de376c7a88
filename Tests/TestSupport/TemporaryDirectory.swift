package import Foundation

/// A directory of its own, removed with its contents when the last reference goes.
package final class TemporaryDirectory: Sendable {
    package let url: URL

    package init(prefix: String = "carryon-test") throws {
        url = FileManager.default.temporaryDirectory.appending(path: "\(prefix)-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
    }

    deinit {
        try? FileManager.default.removeItem(at: url)
    }

    package func path(_ name: String) -> String { url.appending(path: name).path(percentEncoded: false) }
}
