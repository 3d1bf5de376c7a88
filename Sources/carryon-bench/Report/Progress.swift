import Foundation

/// What goes on, for whoever waits: on standard error, apart from the results.
enum Progress {
    static func say(_ text: String) {
        FileHandle.standardError.write(Data("== \(text)\n".utf8))
    }
}
