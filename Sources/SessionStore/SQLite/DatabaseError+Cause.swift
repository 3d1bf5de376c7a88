import GRDB

extension DatabaseError: StoreErrorCause {
    var code: StoreError.Code {
        switch resultCode {
        case .SQLITE_FULL:
            .diskFull
        case .SQLITE_CORRUPT, .SQLITE_NOTADB:
            .corrupt
        case .SQLITE_BUSY, .SQLITE_LOCKED, .SQLITE_IOERR, .SQLITE_CANTOPEN, .SQLITE_PROTOCOL, .SQLITE_READONLY,
            .SQLITE_PERM, .SQLITE_NOMEM:
            .unavailable
        case .SQLITE_INTERRUPT, .SQLITE_ABORT:
            .cancelled
        default:
            .rejected
        }
    }
}
