/// Why the two ends of a connection do not agree on TLS, and what is to be done about it. libpq tells it in words only.
enum TLSObjection: Hashable, CaseIterable {
    /// Nobody whom we trust has signed the server's certificate.
    case notTrusted
    /// The certificate is another host's.
    case otherHost
    /// The server speaks no TLS.
    case notOffered
    /// There is no file to say whom we trust.
    case nobodyTrusted

    /// - Parameter message: what libpq says of the attempt to connect.
    init?(_ message: String) {
        guard let found = Self.allCases.first(where: { message.contains($0.sign) }) else { return nil }
        self = found
    }

    private var sign: String {
        switch self {
        case .notTrusted: "certificate verify failed"
        case .otherHost: "does not match host name"
        case .notOffered: "server does not support SSL"
        case .nobodyTrusted: "root certificate file"
        }
    }

    var advice: String {
        switch self {
        case .notTrusted:
            "sslrootcert has to name a file with the certificate of the authority that signed the server's, and the server's own must not have expired"
        case .otherHost:
            "the URL has to name the server as its certificate does, or the certificate has to name this host"
        case .notOffered: "switch TLS on in the server (ssl = on), or give an sslmode that does without it"
        case .nobodyTrusted:
            "sslrootcert has to name a file with the certificate of the authority that signed the server's"
        }
    }
}
