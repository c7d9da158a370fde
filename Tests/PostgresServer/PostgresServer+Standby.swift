import Foundation
import Postgres

extension PostgresServer {
    /// A standby of this server, which follows it by streaming and answers readers: a copy of its data on a port of its own.
    ///
    /// From now on this server answers a commit only when the standby has it on its disk, too.
    package func standby() throws -> PostgresServer {
        let standby = try PostgresServer(settings: [], hasTLS: false, password: password) { standby in
            // `-R` writes where it follows whom into its settings.
            let copying = try programs.launch(
                "pg_basebackup",
                [
                    "-D", standby.data.path, "-d", url() + "?application_name=standby", "-R", "-X", "stream",
                    "-c", "fast", "--no-sync",
                ],
                log: standby.log
            )
            copying.waitUntilExit()
            guard copying.terminationStatus == 0 else {
                throw PostgresServerError("pg_basebackup failed: \(standby.logText)")
            }
        }
        let connection = try PostgresConnection(PostgresURL(url()))
        defer { connection.close() }
        try connection.run("ALTER SYSTEM SET synchronous_standby_names = 'standby'")
        try connection.run("SELECT pg_reload_conf()")
        for _ in 0..<400 {
            let state = try connection.query("SELECT 1 FROM pg_stat_replication WHERE sync_state = 'sync'")
            if state.count == 1 { return standby }
            usleep(25_000)
        }
        throw PostgresServerError("the standby does not follow: \(standby.logText)")
    }

    /// Makes a primary server of a standby.
    package func promote() throws {
        let connection = try PostgresConnection(PostgresURL(url()))
        defer { connection.close() }
        guard try connection.query("SELECT pg_promote()").integer(0, 0) != 0 else {
            throw PostgresServerError("the standby was not promoted: \(logText)")
        }
    }

    /// Stops the server and starts it as one that is in recovery and waits for what no primary sends it, until it is promoted.
    package func restartAsStandby() throws {
        stop()
        let signal = data.appending(path: "standby.signal")
        guard FileManager.default.createFile(atPath: signal.path, contents: nil) else {
            throw PostgresServerError("\(signal.path) can't be written")
        }
        try programs.handOver([signal.path])
        try start()
    }

    /// A URL of a database that names two servers, this one first; the other one has its roles from this one.
    package func url(_ database: String = "postgres", or other: PostgresServer) -> String {
        "postgresql://\(Self.user):\(password)@127.0.0.1:\(port),127.0.0.1:\(other.port)/\(database)"
            + "?target_session_attrs=read-write"
    }
}
