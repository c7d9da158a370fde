import GRDB

/// A statement that took longer than it should.
package struct SlowStatement: Sendable {
    /// The file, `ferry.db` or `workspace.db`, or `postgresql`.
    package let database: String
    /// Its text on one line, with marks where its values were: `?`, or `$1`.
    package let sql: String
    package let seconds: Double
}

/// Watches how long statements take, on every connection of a store.
///
/// SQLite measures by the system's clock, in milliseconds and from the first row to the last: what a reader does with the
/// rows in between counts too, and so does a clock that is set forward meanwhile. A statement of PostgreSQL takes from when it
/// is sent until the last of its answer is here, or it is given up: what it waited for locks and the network counts too.
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
        connection.trace(options: .profile) { event in
            // Asked first, for the text of a statement takes longer to get than most statements do.
            guard case .profile(let statement, let duration) = event, duration >= seconds else { return }
            tell(statement.sql, duration, of: database)
        }
    }

    /// What a connection to PostgreSQL tells its statements to.
    func observer(of database: String) -> @Sendable (_ text: String, _ duration: Duration) -> Void {
        { text, duration in
            let duration = duration / .seconds(1)
            if duration >= seconds { tell(text, duration, of: database) }
        }
    }

    private func tell(_ sql: String, _ duration: Double, of database: String) {
        let sql = sql.split { $0.isWhitespace }.joined(separator: " ")
        note(SlowStatement(database: database, sql: sql, seconds: duration))
    }
}
