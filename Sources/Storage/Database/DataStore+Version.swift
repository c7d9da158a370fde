import GRDB

extension DataStore {
    /// The version of SQLite that the program runs with, such as `3.40.1`.
    package static var sqliteVersion: String {
        let number = Database.sqliteLibVersionNumber
        return "\(number / 1_000_000).\(number / 1_000 % 1_000).\(number % 1_000)"
    }
}
