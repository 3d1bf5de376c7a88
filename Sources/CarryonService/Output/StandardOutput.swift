import Foundation

/// What a command says while it goes on: written at once, also into a pipe.
enum StandardOutput {
    static func write(_ text: String) {
        FileHandle.standardOutput.write(Data(text.utf8))
    }

    static func line(_ line: String) {
        write(line + "\n")
    }
}
