import Foundation

extension Error {
    /// What the system said of a file, where Foundation's error is about that; it describes itself at length. Otherwise the
    /// error as it is.
    var systemReason: String {
        guard let code = ((self as? CocoaError)?.underlying as? POSIXError)?.code else { return "\(self)" }
        return String(cString: strerror(code.rawValue)).lowercased()
    }
}
