/// A certificate for a server on 127.0.0.1, and that of an authority which has signed it and nothing else. Paths of files.
package struct ServerCertificate: Sendable {
    package let authority: String
    package let certificate: String
    package let key: String

    /// Makes them in `directory`, good for a day.
    /// - Throws: if there is no `openssl`.
    package static func make(in directory: TemporaryDirectory) async throws -> ServerCertificate {
        let made = ServerCertificate(
            authority: directory.path("authority.crt"), certificate: directory.path("server.crt"),
            key: directory.path("server.key"))
        let authorityKey = directory.path("authority.key")
        let new = [
            "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days",
            "1",
        ]
        _ = try await ProgramOutput.of(
            "/usr/bin/env",
            new + ["-subj", "/CN=An authority for tests", "-keyout", authorityKey, "-out", made.authority])
        _ = try await ProgramOutput.of(
            "/usr/bin/env",
            new + [
                "-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1", "-addext",
                "basicConstraints=critical,CA:FALSE", "-CA", made.authority, "-CAkey", authorityKey, "-keyout",
                made.key,
                "-out", made.certificate,
            ])
        return made
    }
}
