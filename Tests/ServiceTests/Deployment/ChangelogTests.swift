import CarryonService
import Foundation
import TestSupport
import Testing

/// `deploy/check-changelog`, on small repositories.
@Suite("The check of the changelog")
struct ChangelogTests {
    /// What the check says of a change to a folder of sources, made by a script, and to the changelog.
    private func complaints(_ change: String) async throws -> String {
        let directory = try TemporaryDirectory(prefix: "carryon-changelog")
        let script = """
            set -euo pipefail
            cd "$1"
            export GIT_CONFIG_GLOBAL=/dev/null GIT_AUTHOR_NAME=author GIT_AUTHOR_EMAIL=author@example.com
            export GIT_COMMITTER_NAME=author GIT_COMMITTER_EMAIL=author@example.com
            git init --quiet --initial-branch trunk
            mkdir -p Sources/Kafka Sources/Gateway deploy
            echo one | tee Sources/Kafka/one.swift > Sources/Gateway/one.swift
            printf '## Unreleased\\n\\n- **Kafka**: it was so.\\n\\n## 0.1.0\\n\\n- **Kafka**: first.\\n' > deploy/CHANGELOG.md
            git add --all
            git commit --quiet --message one
            git switch --quiet --create change
            \(change)
            git commit --quiet --all --message two
            "$2" trunk 2>&1 || test $? = 1
            """
        let check = PythonEnvironment.root.appending(path: "deploy/check-changelog").path(percentEncoded: false)
        let path = directory.url.path(percentEncoded: false)
        return try await ProgramOutput.of("/bin/bash", ["-c", script, "bash", path, check])
    }

    @Test("A change with an entry that names its folder passes")
    func named() async throws {
        let change = """
            echo two >> Sources/Gateway/one.swift
            sed -i 's/it was so[.]/&\\n- **Gateway**: it is another way,\\n  since today./' deploy/CHANGELOG.md
            """
        #expect(try await complaints(change) == "")
    }

    @Test("A change without an entry is refused, and so is one whose entry is of an old version or another folder")
    func unnamed() async throws {
        let entries = [
            "true", "sed -i 's/first[.]/&\\n- **Gateway**: new./' deploy/CHANGELOG.md",
            "sed -i 's/it was so[.]/&\\n- **Kafka**: new./' deploy/CHANGELOG.md",
        ]
        for entry in entries {
            let said = try await complaints("echo two >> Sources/Gateway/one.swift\n\(entry)")
            #expect(said.contains("Sources/Gateway was changed"), "\(entry)")
        }
    }

    @Test("An entry that names no folder is refused; a change beside the sources needs none")
    func others() async throws {
        let nobody = "sed -i 's/it was so[.]/&\\n- **Nobody**: new./' deploy/CHANGELOG.md"
        #expect(try await complaints(nobody).contains("'Nobody'"))
        let bare = "sed -i 's/it was so[.]/&\\n- New./' deploy/CHANGELOG.md"
        #expect(try await complaints(bare).contains("does not begin with"))
        #expect(try await complaints("echo two > deploy/other; git add deploy/other") == "")
    }

    @Test("The program's own version has a section")
    func version() async throws {
        let changelog = try String(
            contentsOf: PythonEnvironment.root.appending(path: "deploy/CHANGELOG.md"), encoding: .utf8)
        #expect(changelog.contains("\n## \(Carryon.version)\n"))
        #expect(changelog.contains("\n## Unreleased\n"))
    }
}
