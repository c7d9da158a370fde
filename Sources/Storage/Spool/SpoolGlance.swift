import Foundation
import GRDB

/// What waits in the spool of a folder, read beside a server that uses it; nothing is made or held.
package struct SpoolGlance: Sendable {
    package let status: SpoolStatus

    /// - Returns: `nil` where there has never been a spool.
    /// - Throws: what keeps the file from being read.
    package init?(of folder: String) throws(StorageError) {
        let file = "\(folder)/\(Spool.file)"
        guard FileManager.default.fileExists(atPath: file) else { return nil }
        status = try DamagedDatabase(file).spoolStatus
    }
}

extension DamagedDatabase {
    fileprivate var spoolStatus: SpoolStatus {
        get throws(StorageError) {
            do {
                return try database.read { connection in
                    // One whose making was broken off has held nothing.
                    try connection.tableExists("spool") ? try SpoolTables.status(Connection(connection)) : SpoolStatus()
                }
            } catch {
                throw StorageError(error, file: Spool.file)
            }
        }
    }
}

extension Spool {
    /// - Throws: `refused` where events wait in a folder, and nobody would bring them into the log.
    static func refuseLeft(in folder: String?) throws(StorageError) {
        guard let path = folder, let events = try SpoolGlance(of: path)?.status.events, events > 0 else { return }
        throw StorageError(
            .refused,
            "\(path)/\(file) holds \(events) accepted events for the log in PostgreSQL: start Ferry over that database first, "
                + "with this folder, until they are there; or move the file away, and they are lost"
        )
    }
}
