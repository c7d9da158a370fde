import Foundation
import Postgres
import PostgresServer
import Testing

/// A connection to a new database of the server that all tests share.
func connect(_ options: PostgresOptions = PostgresOptions()) async throws -> PostgresConnection {
    try PostgresConnection(PostgresURL(await PostgresServer.shared().database()), options: options)
}

extension PostgresConnection {
    /// The number that a statement finds.
    func number(_ statement: String, _ values: [PostgresValue] = []) throws -> Int64 {
        try query(statement, values).integer(0, 0)
    }

    /// The text that a statement finds.
    func text(_ statement: String, _ values: [PostgresValue] = []) throws -> String {
        String(decoding: try query(statement, values).bytes(0, 0), as: UTF8.self)
    }

    /// The error that a statement ends with.
    func refusal(_ statement: String, _ values: [PostgresValue] = []) throws -> PostgresError {
        try #require(throws: PostgresError.self) { _ = try query(statement, values) }
    }
}

extension PostgresURL {
    /// The error that connecting ends with.
    static func refusal(_ url: String, _ options: PostgresOptions = PostgresOptions()) throws -> PostgresError {
        try #require(throws: PostgresError.self) {
            _ = try PostgresConnection(PostgresURL(url), options: options)
        }
    }
}

/// Does something on a thread of its own, after a while.
func after(_ seconds: Double, _ act: @escaping @Sendable () -> Void) {
    Thread.detachNewThread {
        Thread.sleep(forTimeInterval: seconds)
        act()
    }
}
