import GRDB
import Postgres

/// Why something could not be stored or read, in a sentence that names the file and the way out.
///
/// The text holds no stored value and can be logged.
package struct StorageError: Error, Sendable, Equatable, CustomStringConvertible {
    package enum Code: String, Sendable, CaseIterable {
        /// The folder or a file cannot be made or written.
        case unwritable
        /// The disk is full. Nothing of the transaction was stored; it may be tried again.
        case full
        /// A file is not a database, or is damaged.
        case corrupt
        /// A newer version of Ferry wrote the database.
        case newerVersion
        /// Somebody else holds the folder or the database.
        case locked
        /// The database's server can't be reached, or takes nothing at the moment; it may be tried again. Whether what was under
        /// way is done is not always known.
        case unavailable
        /// Another node has what is needed; it may be tried again. The sentence is for whoever has asked.
        case busy
        /// Too much waits for its commit already. Nothing of the call was stored; it may be tried again.
        case overloaded
        /// The call contradicts what is stored. It would fail again.
        case refused
        /// Anything else; the sentence says what SQLite said.
        case other
    }

    package let code: Code
    package let description: String

    init(_ code: Code, _ description: String) {
        self.code = code
        self.description = description
    }

    /// What another node could not do, in its words.
    package init(busy words: String) {
        self.init(.busy, words)
    }
}

extension StorageError {
    /// The error of a statement or transaction on `file`.
    init(_ error: any Error, file: String) {
        if let error = error as? StorageError {
            self = error
            return
        }
        if let error = error as? PostgresError {
            self.init(error, file)
            return
        }
        guard let error = error as? DatabaseError else {
            // What is left are values of a kind that this version never wrote.
            self.init(.corrupt, "\(file) holds a value that cannot be read; restore it from a copy")
            return
        }
        switch error.resultCode {
        case .SQLITE_FULL:
            self.init(.full, "\(file): the disk is full; free some space on it, nothing stored before is lost")
        case .SQLITE_READONLY, .SQLITE_CANTOPEN, .SQLITE_PERM, .SQLITE_AUTH:
            self.init(.unwritable, "\(file) cannot be written; make it writable, or choose another data folder")
        case .SQLITE_CORRUPT:
            self.init(
                .corrupt,
                "\(file) is damaged: ferry log verify says how far, and ferry log repair saves what can be read"
            )
        case .SQLITE_NOTADB:
            self.init(
                .corrupt,
                """
                \(file) is no database, or damaged where it says what it is: restore a backup with ferry restore, move it \
                away, or choose another data folder
                """
            )
        case .SQLITE_BUSY, .SQLITE_LOCKED:
            self.init(.locked, "\(file) is locked by another program; close it there, then try again")
        default:
            let words = error.message ?? "no message"
            self.init(.other, "\(file): SQLite says \(words) (code \(error.extendedResultCode.rawValue))")
        }
    }

    /// The error of a statement on a PostgreSQL server.
    private init(_ error: PostgresError, _ name: String) {
        let code: Code =
            switch error.kind {
            case .unreachable, .tooManyConnections, .starting, .readOnly, .serialization, .timeout: .unavailable
            case .diskFull: .full
            case .libraryMissing, .badURL, .refusedLogin, .notAllowed, .missingThing: .unwritable
            case .unexpectedValue: .corrupt
            case .duplicate, .other: .other
            }
        self.init(code, "\(name): \(error)\(Self.wayOut(of: error.kind).map { ". \($0)" } ?? "")")
    }

    private static func wayOut(of kind: PostgresError.Kind) -> String? {
        switch kind {
        case .readOnly:
            "That is a standby, or a server in recovery or set to read only: promote it, or name the primary server in "
                + "the URL, or all of them (postgresql://user@one:5432,two:5432/database)"
        case .tooManyConnections:
            "Ferry needs \(PostgresLog.connectionCount), and \(PostgresWorkspaces.connectionCount) more where embedded "
                + "workspaces are used: raise max_connections, or end what else uses them"
        default: nil
        }
    }

    /// A stored value that this version cannot read back.
    static func unreadable(_ what: String) -> StorageError {
        StorageError(.corrupt, "a stored \(what) cannot be read; restore the data folder from a copy")
    }
}
