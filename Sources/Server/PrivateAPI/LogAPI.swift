import HTTPTypes
import LosslessJSON
package import Storage

/// The event log under `/admin/v1/log`: how much is in it, and how it came to the disk.
package struct LogAPI: Sendable {
    private let data: DataStore

    /// The log of a data store.
    package init(_ data: DataStore) {
        self.data = data
    }

    func add(to routes: inout Routes, behind door: AdminDoor) {
        routes.on(.get, "/admin/v1/log", behind: door) { _, _ in .admin(.done, json: try await status()) }
        routes.on(.get, "/admin/v1/spool", behind: door) { _, _ in .admin(.done, json: spool) }
    }

    /// Answered without the log's database, which is what it is about.
    private var spool: JSON {
        let status = data.spool
        return [
            "events": .number(JSON.Number(status?.events ?? 0)),
            "oldestReceivedAt": .time(status?.oldestAt),
        ]
    }

    private func status() async throws -> JSON {
        let (count, last, bytes) = try await stored { () async throws(StorageError) in
            (try await data.log.count(), try await data.log.lastSequence(), try await data.retention.usedBytes())
        }
        let commits = data.log.commitStatistics
        return [
            "events": .number(JSON.Number(count)), "last": .number(JSON.Number(last)),
            "bytes": .number(JSON.Number(bytes)),
            "commits": [
                "groups": .number(JSON.Number(commits.groups)), "events": .number(JSON.Number(commits.events)),
                "calls": .number(JSON.Number(commits.calls)),
                "waitedMicroseconds": .number(JSON.Number(commits.waited.microseconds)),
                "longestWaitMicroseconds": .number(JSON.Number(commits.longestWait.microseconds)),
            ],
        ]
    }
}

extension Duration {
    fileprivate var microseconds: Int64 { components.seconds * 1_000_000 + components.attoseconds / 1_000_000_000_000 }
}
