import Postgres

/// What a look at a PostgreSQL database tells, beside a server that uses it as well. Nothing is written.
package struct DatabaseGlance: Sendable {
    /// The database, for messages: without the password.
    package let name: String
    /// The server's version, as `15.18`.
    package let version: String
    /// Whether Ferry has made its tables there.
    package let isMade: Bool
    /// Whether a Ferry uses it at the moment.
    package let isInUse: Bool
    /// Nodes that were heard of lately.
    package let nodes: Int
    /// What its clock says, in milliseconds since 1970.
    package let time: Int64
    /// Up to which event a log is copied there that is not whole yet; `nil` where none is.
    package let copiedThrough: Int64?

    /// - Parameter url: `postgresql://…`.
    /// - Throws: `unavailable`, `unwritable` where the login is refused, `newerVersion`.
    package init(at url: String) throws(StorageError) {
        do {
            let connection = try PostgresConnection(PostgresURL(url), options: PostgresLog.options)
            defer { connection.close() }
            name = "\(connection.url)"
            let text = try connection.query("SELECT split_part(current_setting('server_version'), ' ', 1)").bytes(0, 0)
            version = String(decoding: text, as: UTF8.self)
            guard try connection.query("SELECT pg_is_in_recovery()").integer(0, 0) == 0 else {
                throw StorageError(.unavailable, "\(name) is a standby, or recovers: it takes nothing")
            }
            isMade = try PostgresSchema.isMade(connection)
            copiedThrough = isMade ? try CopyState(Connection(connection))?.position : nil
            isInUse =
                try connection.query(
                    """
                    SELECT count(*) FROM pg_locks
                    WHERE locktype = 'advisory' AND objid = (\(PostgresHold.key)::BIGINT & 4294967295)::OID
                        AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
                    """
                )
                .integer(0, 0) != 0
            let there = "SELECT count(*) FROM nodes WHERE seen_at > clock_timestamp() - INTERVAL '\(Nodes.patience)'"
            nodes = isMade ? Int(try connection.query(there).integer(0, 0)) : 0
            time = try connection.query("SELECT (extract(epoch FROM clock_timestamp()) * 1000)::BIGINT").integer(0, 0)
        } catch {
            throw StorageError(error, file: "the database")
        }
    }
}
