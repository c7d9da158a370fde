import Foundation
import Postgres

/// Who uses a database: any number of nodes, or one who needs it alone, as a migration and a copy of the log do. A lock of
/// the server's, which falls with the connection. Each connection that writes has it: so no newer version changes a table
/// under an older one, whichever of its connections are lost and come again, and in whatever order.
enum PostgresHold {
    /// The number of the lock, in SQL.
    static let key = "hashtext('ferry writer')"

    /// Keeps everybody else out as long as the connection is there.
    ///
    /// - Parameters:
    ///   - connection: on which it lasts.
    ///   - patience: how long somebody may take to go: a server notices a little later that a process has ended.
    /// - Throws: `locked` where somebody is there.
    static func takeAlone(_ connection: PostgresConnection, patience: Duration = .zero) throws {
        let end = ContinuousClock.now + patience
        while try connection.query("SELECT pg_try_advisory_lock(\(key))").integer(0, 0) == 0 {
            guard end > .now else { throw StorageError(.locked, "another Ferry uses \(connection.url)") }
            Thread.sleep(forTimeInterval: 0.05)
        }
    }

    static func letGo(_ connection: PostgresConnection) throws {
        _ = try connection.query("SELECT pg_advisory_unlock(\(key))")
    }

    /// Becomes one of those who use it, unless a newer version has changed its tables since: nothing is written to them then.
    ///
    /// - Parameters:
    ///   - connection: on which it lasts.
    ///   - isAgain: whether the process was there before.
    /// - Throws: `newerVersion`; `locked` where somebody needs it alone, and `unavailable` for a process that was there before.
    static func share(_ connection: PostgresConnection, isAgain: Bool) throws {
        guard try connection.query("SELECT pg_try_advisory_lock_shared(\(key))").integer(0, 0) != 0 else {
            throw StorageError(
                isAgain ? .unavailable : .locked,
                "\(connection.url) is being copied or brought up to date"
            )
        }
        try PostgresSchema.refuseNewer(connection)
    }

    /// Becomes one of those who use it, under an id that nobody else has.
    ///
    /// - Parameters:
    ///   - connection: on which it lasts.
    ///   - node: the id.
    ///   - isAgain: whether another connection of this process was there before. The server may not have seen yet that it
    ///     is gone.
    /// - Throws: `newerVersion`; `locked` where somebody needs it alone, or has the id; `unavailable` where a process that was
    ///   there before has to come again: a node that starts needs it alone for a moment, and the id may be this process's own.
    static func join(_ connection: PostgresConnection, as node: String, isAgain: Bool) throws {
        try share(connection, isAgain: isAgain)
        let id = try connection.query(
            "SELECT pg_try_advisory_lock(hashtext('ferry node'), hashtext($1))",
            [.text(Array(node.utf8))]
        )
        guard try id.integer(0, 0) != 0 else {
            throw StorageError(
                isAgain ? .unavailable : .locked,
                "another process uses \(connection.url) as the node \(node)"
            )
        }
        // A connection that the network has swallowed does not keep the id for long.
        try connection.run("SET idle_session_timeout = '12s'")
    }
}
