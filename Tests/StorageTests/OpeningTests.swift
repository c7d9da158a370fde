import Foundation
import GRDB
import Testing

@testable import Storage

@Suite struct `Opening the data folder` {
    @Test func `makes the folder for its owner alone, and the files too`() async throws {
        let scratch = try ScratchFolder()
        let path = scratch.path + "/deep/er/data"
        let old = umask(0)
        defer { umask(old) }
        let store = try DataStore(opening: .folder(path))
        _ = try await store.log.append([event("a")])
        try await store.workspaces.write(in: "w") { try $0.suppress([.id("x")]) }
        #expect(try mode(path) == 0o700)
        let files = try FileManager.default.contentsOfDirectory(atPath: path).sorted()
        #expect(
            files == [
                "ferry.db", "ferry.db-shm", "ferry.db-wal", "ferry.lock", "seal.key", "workspace.db",
                "workspace.db-shm",
                "workspace.db-wal",
            ]
        )
        for file in files {
            #expect(try mode(path + "/" + file) == 0o600, "\(file)")
        }
    }

    @Test func `takes a relative path`() throws {
        let scratch = try ScratchFolder()
        let relative = FileManager.default.currentDirectoryPath.split(separator: "/").map { _ in ".." }
            .joined(separator: "/")
        let store = try DataStore(opening: .folder(relative + scratch.path + "/data/"))
        #expect(FileManager.default.fileExists(atPath: scratch.path + "/data/ferry.db"))
        try store.close()
    }

    @Test func `leaves no file behind in memory`() async throws {
        let store = try DataStore(opening: .memory)
        _ = try await store.log.append([event("a")])
        #expect(try await store.log.count() == 1)
        #expect(try await DataStore(opening: .memory).log.count() == 0)
    }

    @Test(arguments: ["/dev/null/data", "/proc/ferry-data", ""])
    func `names a folder that cannot be made`(path: String) {
        let error = #expect(throws: StorageError.self) { try DataStore(opening: .folder(path)) }
        #expect(error?.code == .unwritable)
        #expect(error?.description.hasPrefix(path) == true)
        #expect(error?.description.contains("choose") == true)
    }

    @Test func `says so when the folder is a file`() throws {
        let scratch = try ScratchFolder()
        let path = scratch.path + "/file"
        try Data().write(to: URL(fileURLWithPath: path))
        let error = #expect(throws: StorageError.self) { try DataStore(opening: .folder(path)) }
        #expect(error?.code == .unwritable)
        #expect(error?.description.contains("is a file") == true)
    }

    @Test func `says so when a database is a folder`() throws {
        let scratch = try ScratchFolder()
        try FileManager.default.createDirectory(
            atPath: scratch.path + "/data/ferry.db",
            withIntermediateDirectories: true
        )
        let error = #expect(throws: StorageError.self) { try DataStore(opening: scratch.data) }
        #expect(error?.code == .unwritable)
        #expect(error?.description.contains("ferry.db") == true)
    }

    @Test(arguments: ["ferry.db", "workspace.db"])
    func `refuses a file that is no database, and leaves it alone`(name: String) throws {
        let scratch = try ScratchFolder()
        let path = scratch.path + "/data/" + name
        try FileManager.default.createDirectory(atPath: scratch.path + "/data", withIntermediateDirectories: true)
        let bytes = Data(String(repeating: "not a database. ", count: 100).utf8)
        try bytes.write(to: URL(fileURLWithPath: path))
        let error = #expect(throws: StorageError.self) { try DataStore(opening: scratch.data) }
        #expect(error?.code == .corrupt)
        #expect(error?.description.contains(name) == true)
        #expect(try Data(contentsOf: URL(fileURLWithPath: path)) == bytes)
    }

    @Test(arguments: ["ferry.db", "workspace.db"])
    func `refuses a database of a newer version, and says which versions`(name: String) throws {
        let scratch = try ScratchFolder()
        try DataStore(opening: scratch.data).close()
        let known = (name == "ferry.db" ? LogSchema.migrator : WorkspaceSchema.migrator).migrations.count
        let database = try DatabaseQueue(path: scratch.path + "/data/" + name)
        try database.write {
            try $0.execute(sql: "INSERT INTO grdb_migrations (identifier) VALUES ('2099-01-01 more')")
        }
        try database.close()
        let error = #expect(throws: StorageError.self) { try DataStore(opening: scratch.data) }
        #expect(error?.code == .newerVersion)
        #expect(
            error?.description
                == "\(name) was written by a newer version of Ferry (schema \(known + 1)); "
                + "this one knows up to \(known). Use that version, restore a backup that was made before it came, "
                + "or choose another data folder"
        )
    }

    @Test func `a folder belongs to one store at a time`() throws {
        let scratch = try ScratchFolder()
        let store = try DataStore(opening: scratch.data)
        let error = #expect(throws: StorageError.self) { try DataStore(opening: scratch.data) }
        #expect(error?.code == .locked)
        #expect(error?.description.contains(scratch.path) == true)
        try store.close()
        try DataStore(opening: scratch.data).close()
    }

    @Test func `another process gets the same error`() async throws {
        let scratch = try ScratchFolder()
        let path = scratch.path + "/data"
        let store = try DataStore(opening: .folder(path))
        await #expect(processExitsWith: .exitCode(7)) { [path = path as String] in
            do {
                _ = try DataStore(opening: .folder(path))
            } catch let error as StorageError where error.code == .locked {
                exit(7)
            }
        }
        try store.close()
    }

    @Test func `the log is flushed with every commit, the workspace is not`() throws {
        let scratch = try ScratchFolder()
        let folder = try DataFolder(scratch.path)
        let levels = try [OpenDatabase.Durability.everyCommit, .untilPowerLoss].enumerated().map { number, durability in
            let database = try OpenDatabase(
                "\(number).db",
                in: folder,
                durability: durability,
                migrator: LogSchema.migrator
            )
            return try database.writer.writeWithoutTransaction { connection in
                (
                    try Int.fetchOne(connection, sql: "PRAGMA synchronous"),
                    try String.fetchOne(connection, sql: "PRAGMA journal_mode")
                )
            }
        }
        #expect(levels.map(\.0) == [2, 1])
        #expect(levels.map(\.1) == ["wal", "wal"])
    }

    private func mode(_ path: String) throws -> Int {
        let attributes = try FileManager.default.attributesOfItem(atPath: path)
        return (attributes[.posixPermissions] as? NSNumber)?.intValue ?? 0
    }
}
