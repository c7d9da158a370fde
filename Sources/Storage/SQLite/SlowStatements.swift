import GRDB

/// A statement that took longer than it should.
package struct SlowStatement: Sendable {
    /// The file: `ferry.db` or `workspace.db`.
    package let database: String
    /// Its text on one line, with question marks where its values were.
    package let sql: String
    package let seconds: Double
}

/// Watches how long statements take, on every connection of a store.
///
/// SQLite measures by the system's clock, in milliseconds and from the first row to the last: what a reader does with the
/// rows in between counts too, and so does a clock that is set forward meanwhile.
package struct SlowStatements: Sendable {
    private let seconds: Double
    private let note: @Sendable (SlowStatement) -> Void

    /// - Parameters:
    ///   - milliseconds: what takes as long, or longer, is told.
    ///   - note: called on the connection's thread, in the middle of its work: it has to be quick.
    package init(from milliseconds: Int, note: @escaping @Sendable (SlowStatement) -> Void) {
        seconds = Double(milliseconds) / 1_000
        self.note = note
    }

    func watch(_ connection: Database, of database: String) {
        connection.trace(options: .profile) { [seconds, note] event in
            guard case .profile(let statement, let duration) = event, duration >= seconds else { return }
            let sql = statement.sql.split { $0.isWhitespace }.joined(separator: " ")
            note(SlowStatement(database: database, sql: sql, seconds: duration))
        }
    }
}
