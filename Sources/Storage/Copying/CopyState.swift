/// How far a copy is, in a table `copying` of the log that it goes into. Where there is one, nobody uses the log.
struct CopyState: Sendable {
    /// The last event that is in it.
    var position: Int64 = 0
    /// Up to this one the events are as they were in the source with these erasures (`RowSum.digits`).
    var compared: Int64 = 0
    var erasures = ""
    /// The keys of the messages up to this one are in it.
    var keys: Int64 = 0
    var keyPass: KeyPass?

    /// Keys that are being copied, in their order.
    struct KeyPass: Sendable {
        /// At its end those of the messages up to this one are there.
        let through: Int64
        /// The last one that is.
        var key: [UInt8]
    }

    init() {}

    /// `nil` where there is none.
    init?(_ connection: Connection) throws {
        let table =
            switch connection.engine {
            case .sqlite: "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'copying'"
            case .postgres: "SELECT 1 WHERE to_regclass('copying') IS NOT NULL"
            }
        guard try connection.row(table) != nil,
            let row = try connection.row(
                "SELECT position, compared, erasures, keys, keys_through, keys_after FROM copying"
            )
        else { return nil }
        (position, compared, erasures) = (try row.integer(0), try row.integer(1), try row.text(2))
        keys = try row.integer(3)
        if let key = try row.optionalBytes(5) { keyPass = KeyPass(through: try row.integer(4), key: key) }
    }

    /// Begins one.
    static func begin(_ connection: Connection) throws {
        let bytes =
            switch connection.engine {
            case .sqlite: "BLOB"
            case .postgres: "BYTEA"
            }
        try connection.run(
            """
            CREATE TABLE copying (
                one SMALLINT PRIMARY KEY CHECK (one = 1), position BIGINT NOT NULL, compared BIGINT NOT NULL,
                erasures TEXT NOT NULL, keys BIGINT NOT NULL, keys_through BIGINT NOT NULL, keys_after \(bytes)
            )
            """
        )
        try connection.run(
            """
            INSERT INTO copying (one, position, compared, erasures, keys, keys_through) VALUES (1, 0, 0, '', 0, 0)
            """
        )
    }

    func write(_ connection: Connection) throws {
        try connection.run(
            "UPDATE copying SET position = ?, compared = ?, erasures = ?, keys = ?, keys_through = ?, keys_after = ?",
            [position, compared, erasures, keys, keyPass?.through ?? 0, (keyPass?.key).map(Bytes.init)]
        )
    }

    static func end(_ connection: Connection) throws {
        try connection.run("DROP TABLE copying")
    }

    /// - Throws: `refused` where a copy has not come to its end.
    static func refuseHalf(_ connection: Connection, _ name: String) throws {
        if try CopyState(connection) != nil { throw half(name) }
    }

    static func half(_ name: String) -> StorageError {
        StorageError(
            .refused,
            "\(name) holds a part of a log that is being copied: run ferry log copy again until it is done, "
                + "or use other data"
        )
    }
}
