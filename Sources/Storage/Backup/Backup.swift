import Crypto
import Foundation
import GRDB
import LosslessJSON

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// A copy of a data folder, made while a server uses it or not: a folder with the databases, the key of the secrets in them,
/// and `backup.json`, which says what is in each file.
///
/// Each database is copied as of one moment, all of a transaction or nothing of it. `ferry.db` holds the log and how far
/// delivery has come in it, so the two agree. It is copied before `workspace.db`: an embedded workspace may then be ahead of
/// the log's positions, as after a crash, and gets again what it has; the other way round it would lack something.
package struct Backup: Sendable, Equatable {
    /// When it was made, as the one who asked for it has said.
    package let madeAt: String
    /// The number of the newest event that was ever in its log.
    package let lastEvent: Int64
    /// Of all files together.
    package let bytes: Int64
    /// Whether the key is in it that opens the secrets in it.
    package let hasKey: Bool
    private let files: [Entry]

    private struct Entry: Equatable {
        let name: String
        let bytes: Int64
        let sha256: String
    }

    private static let format: Int64 = 1
    private static let manifest = "backup.json"
    private static let log = "ferry.db"
    private static let databases = [log, "workspace.db"]
    private static let key = "seal.key"

    // MARK: Making

    /// Makes one.
    ///
    /// - Parameters:
    ///   - folder: the data folder; nothing in it is changed.
    ///   - target: the folder of the backup, which isn't there yet. It gets its name when all is in it and on the disk.
    ///   - madeAt: the time, in words.
    ///   - withKey: whether the key of the secrets goes along.
    /// - Throws: `refused` when there is no log, or something at the target; the errors of the disk.
    package init(
        of folder: String,
        into target: String,
        madeAt: String,
        withKey: Bool
    ) throws(StorageError) {
        _ = try DataFolder.log(in: folder)
        guard access(target, F_OK) != 0 else {
            throw StorageError(
                .refused,
                "\(target) is there already: name a folder that isn't, for example with the date"
            )
        }
        let partial = target + ".partial"
        try? FileManager.default.removeItem(atPath: partial)
        let place = try DataFolder(partial)
        do {
            var lastEvent: Int64 = 0
            for name in Self.databases where access("\(folder)/\(name)", F_OK) == 0 {
                let last = try Self.copy(database: "\(folder)/\(name)", to: place.file(name))
                if name == Self.log { lastEvent = last }
            }
            let hasKey = withKey && access("\(folder)/\(Self.key)", F_OK) == 0
            if hasKey { _ = try Self.copy("\(folder)/\(Self.key)", to: place.file(Self.key)) }
            let names = Self.databases + (hasKey ? [Self.key] : [])
            files = try names.filter { access("\(partial)/\($0)", F_OK) == 0 }.map { name in
                let (bytes, sha256) = try Self.read("\(partial)/\(name)") { _ in }
                return Entry(name: name, bytes: bytes, sha256: sha256)
            }
            (self.madeAt, self.lastEvent, self.hasKey) = (madeAt, lastEvent, hasKey)
            bytes = files.reduce(0) { $0 + $1.bytes }
            try Self.write(Array("\(JSON.object(written))\n".utf8), to: place.file(Self.manifest))
            place.letGo()
            unlink("\(partial)/ferry.lock")
        } catch {
            try? FileManager.default.removeItem(atPath: partial)
            throw Self.words(error, target)
        }
        guard rename(partial, target) == 0 else {
            throw StorageError(.unwritable, "\(partial) can't be renamed to \(target): do it by hand")
        }
        DataFolder.flush(DataFolder.parent(of: target))
    }

    /// Copies what a database holds at one moment. Returns the number of the newest event, of a log.
    private static func copy(database: String, to file: String) throws -> Int64 {
        var configuration = Configuration()
        configuration.readonly = true
        configuration.busyMode = .timeout(5)
        let source = try DatabaseQueue(path: database, configuration: configuration)
        let copy = try DatabaseQueue(path: file)
        try source.backup(to: copy)
        try source.close()
        // So that it is one file, also while somebody looks into it.
        try copy.writeWithoutTransaction { try $0.execute(sql: "PRAGMA journal_mode = DELETE") }
        let last = try copy.read { connection in
            try Int64.fetchOne(connection, sql: "SELECT seq FROM sqlite_sequence WHERE name = 'events'")
        }
        try copy.close()
        return last ?? 0
    }

    private var written: JSON.Object {
        [
            "format": .number(JSON.Number(Self.format)), "madeAt": .string(madeAt),
            "lastEvent": .number(JSON.Number(lastEvent)),
            "files": .array(
                files.map { file in
                    [
                        "name": .string(file.name), "bytes": .number(JSON.Number(file.bytes)),
                        "sha256": .string(file.sha256),
                    ]
                }
            ),
        ]
    }

    // MARK: Reading

    /// The one in a folder, every byte of it compared with what `backup.json` says.
    ///
    /// - Throws: `refused` when there is none, `corrupt` when it is not as it was made, `newerVersion`.
    package init(reading path: String) throws(StorageError) {
        let file = "\(path)/\(Self.manifest)"
        guard let data = FileManager.default.contents(atPath: file) else {
            throw StorageError(.refused, "\(path) is no backup: there is no \(Self.manifest) in it that can be read")
        }
        guard let json = try? JSON(parsing: Array(data)), let madeAt = json["madeAt"]?.stringValue,
            let last = json["lastEvent"]?.numberValue?.int64, let entries = json["files"]?.arrayValue
        else { throw StorageError(.corrupt, "\(file) can't be understood: take another backup") }
        guard json["format"]?.numberValue?.int64 == Self.format else {
            throw StorageError(.newerVersion, "\(path) was made by a newer version of Ferry: restore it with that one")
        }
        files = entries.compactMap { entry in
            guard let name = entry["name"]?.stringValue, (Self.databases + [Self.key]).contains(name),
                let bytes = entry["bytes"]?.numberValue?.int64, let sha256 = entry["sha256"]?.stringValue
            else { return nil }
            return Entry(name: name, bytes: bytes, sha256: sha256)
        }
        guard files.count == entries.count, files.contains(where: { $0.name == Self.log }) else {
            throw StorageError(.corrupt, "\(file) can't be understood: take another backup")
        }
        (self.madeAt, lastEvent) = (madeAt, last)
        hasKey = files.contains { $0.name == Self.key }
        bytes = files.reduce(0) { $0 + $1.bytes }
        for file in files { try Self.check(file, in: path) { _ in } }
        for (name, migrator) in zip(Self.databases, [LogSchema.migrator, WorkspaceSchema.migrator])
        where files.contains(where: { $0.name == name }) {
            do {
                var configuration = Configuration()
                configuration.readonly = true
                let database = try DatabaseQueue(path: "\(path)/\(name)", configuration: configuration)
                try OpenDatabase.refuseNewer(database, than: migrator, name: name)
                try database.close()
            } catch {
                throw StorageError(error, file: "\(path)/\(name)")
            }
        }
    }

    private static func check(
        _ file: Entry,
        in path: String,
        _ use: (Data) throws -> Void
    ) throws(StorageError) {
        let name = "\(path)/\(file.name)"
        do {
            let (bytes, sha256) = try read(name, use)
            guard bytes == file.bytes, sha256 == file.sha256 else {
                throw StorageError(.corrupt, "\(name) is not what it was when the backup was made: take another backup")
            }
        } catch {
            throw words(error, name)
        }
    }

    // MARK: Restoring

    /// Puts it into a data folder that holds nothing yet. What was not finished is begun anew the next time, and nobody can
    /// use the folder until then.
    ///
    /// - Parameters:
    ///   - path: where it is.
    ///   - target: the data folder.
    ///   - paused: whether every integration waits until somebody resumes it.
    /// - Throws: `refused` when there is data in the folder, `locked`, and the errors of the disk.
    package func restore(from path: String, into target: String, paused: Bool = false) throws(StorageError) {
        let folder = try DataFolder(target, isBeingRestored: true)
        defer { folder.letGo() }
        let mark = "\(target)/\(DataFolder.mark)"
        let places = (Self.databases.flatMap { [$0, "\($0)-wal", "\($0)-shm"] } + [Self.key]).map { "\(target)/\($0)" }
        if access(mark, F_OK) != 0, let found = places.first(where: { access($0, F_OK) == 0 }) {
            throw StorageError(
                .refused,
                "\(target) holds data (\(found)): move it away, or name another folder with --data"
            )
        }
        do {
            try Self.write(Array("\(madeAt)\n".utf8), to: folder.file(DataFolder.mark))
            for place in places { unlink(place) }
            for file in files {
                let place = try folder.file(file.name)
                guard let handle = FileHandle(forWritingAtPath: place) else {
                    throw StorageError(.unwritable, "\(place) can't be written")
                }
                defer { try? handle.close() }
                try Self.check(file, in: path) { try handle.write(contentsOf: $0) }
                try handle.synchronize()
            }
            if paused { try Self.pauseAll(in: "\(target)/\(Self.log)") }
        } catch {
            throw Self.words(error, target)
        }
        guard unlink(mark) == 0 else {
            throw StorageError(.unwritable, "\(mark) can't be removed: do it by hand, the rest is done")
        }
        DataFolder.flush(target)
    }

    private static func pauseAll(in log: String) throws {
        let database = try DatabaseQueue(path: log)
        try LogSchema.migrator.migrate(database)
        try database.write { connection in
            _ = try Connection(connection).run(
                "INSERT OR IGNORE INTO paused_integrations (name) SELECT DISTINCT integration FROM cursors"
            )
        }
        try database.close()
    }

    // MARK: Files

    private static func copy(_ file: String, to place: String) throws {
        guard let bytes = FileManager.default.contents(atPath: file) else {
            throw StorageError(.unwritable, "\(file) can't be read; run this as the user whom it belongs to")
        }
        try write(Array(bytes), to: place)
    }

    private static func write(_ bytes: [UInt8], to place: String) throws {
        guard let handle = FileHandle(forWritingAtPath: place) else {
            throw StorageError(.unwritable, "\(place) can't be written")
        }
        defer { try? handle.close() }
        try handle.truncate(atOffset: 0)
        try handle.write(contentsOf: bytes)
        try handle.synchronize()
    }

    /// Goes through a file piece by piece. Returns its length and its digest.
    private static func read(_ file: String, _ use: (Data) throws -> Void) throws -> (bytes: Int64, sha256: String) {
        guard let handle = FileHandle(forReadingAtPath: file) else {
            throw StorageError(.refused, "\(file) can't be read")
        }
        defer { try? handle.close() }
        var hash = SHA256()
        var bytes: Int64 = 0
        while let piece = try handle.read(upToCount: 1 << 20), !piece.isEmpty {
            hash.update(data: piece)
            bytes += Int64(piece.count)
            try use(piece)
        }
        let digits = hash.finalize().map { byte in
            let digits = String(byte, radix: 16)
            return byte < 16 ? "0\(digits)" : digits
        }
        return (bytes, digits.joined())
    }

    private static func words(_ error: any Error, _ file: String) -> StorageError {
        let error = error as any Error
        if error is StorageError || error is DatabaseError { return StorageError(error, file: file) }
        let cocoa = error as NSError
        let isFull = cocoa.code == CocoaError.fileWriteOutOfSpace.rawValue
        return isFull
            ? StorageError(.full, "\(file): the disk is full; free some space on it, and try again")
            : StorageError(.unwritable, "\(file) can't be written: \(cocoa.localizedDescription)")
    }
}
