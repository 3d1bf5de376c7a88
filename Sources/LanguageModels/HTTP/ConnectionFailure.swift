import AsyncHTTPClient
import NIOCore
import NIOPosix

/// What is said of a call by HTTP that did not get to its answer's end.
package enum ConnectionFailure {
    /// Never an error's own description: it may repeat what was sent.
    package static func words(for error: any Error) -> String {
        switch error {
        case let error as HTTPClientError: error.shortDescription.lowercased()
        case let error as NIOConnectionError where error.dnsAError != nil || error.dnsAAAAError != nil:
            "its host is unknown"
        case is NIOConnectionError, is IOError: "no connection"
        default: "\(type(of: error))"
        }
    }
}
