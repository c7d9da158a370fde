import Foundation
import GRDB
import Testing

@testable import Storage

@Suite(.timeLimit(.minutes(2))) struct `A backup` {
    private let scratch: ScratchFolder
    private var folder: String { scratch.path + "/data" }
    private var copy: String { scratch.path + "/copy" }
    private var other: String { scratch.path + "/other" }

    init() throws {
        scratch = try ScratchFolder()
    }

    /// Of an integration that lives here, with a secret.
    private static var revision: NewRevision {
        var new = NewRevision(integration: "main", author: "a", text: "t", at: 1, behindRead: nil, isKept: true)
        new.secrets = ["api_key": "geheim"]
        return new
    }

    private func backUp(withKey: Bool = true) throws -> Backup {
        try Backup(of: folder, into: copy, madeAt: "2026-11-26T10:00:00.000Z", withKey: withKey)
    }

    private func refusal(_ work: () throws -> Void) -> StorageError? {
        #expect(throws: StorageError.self) { try work() }
    }

    private func restore() throws {
        try Backup(reading: copy).restore(from: copy, into: other)
    }

    @Test func `of a folder in use has all that was acknowledged before, and the secrets, and is nobody else's`()
        async throws
    {
        let store = try DataStore(opening: .folder(folder))
        let sender = Task {
            for number in 0..<2_000 where !Task.isCancelled {
                _ = try await store.log.append([event("later \(number)")])
            }
        }
        for number in 0..<50 { _ = try await store.log.append([event("e\(number)")]) }
        try await store.workspaces.write(in: "w") { try $0.suppress([.id("x")]) }
        _ = try await store.revisions.add([Self.revision])
        let acknowledged = try await store.log.lastSequence()
        let backup = try backUp()
        sender.cancel()
        _ = try? await sender.value
        try store.close()
        #expect(backup.hasKey && backup.lastEvent >= acknowledged)
        #expect(try Backup(reading: copy) == backup)
        #expect(
            try FileManager.default.contentsOfDirectory(atPath: copy).sorted()
                == ["backup.json", "ferry.db", "seal.key", "workspace.db"]
        )
        for file in ["", "/backup.json", "/ferry.db", "/seal.key", "/workspace.db"] {
            let mode = try FileManager.default.attributesOfItem(atPath: copy + file)[.posixPermissions] as? Int
            #expect(mode == (file.isEmpty ? 0o700 : 0o600))
        }
        #expect(try LogVerification(of: copy) { _ in true }.problems.isEmpty)

        try FileManager.default.removeItem(atPath: folder)
        try restore()
        let restored = try DataStore(opening: .folder(other))
        let numbers = try await restored.log.read(after: 0, limit: .max).map(\.seq)
        #expect(numbers == Array(1...backup.lastEvent))
        #expect(try await restored.revisions.secrets(of: "main") == ["api_key": "geheim"])
        #expect(try await restored.workspaces.names() == ["w"])
        try restored.close()
    }

    @Test func `without the key opens no secret, and says that it is without it`() async throws {
        let store = try DataStore(opening: .folder(folder))
        _ = try await store.revisions.add([Self.revision])
        try store.close()
        #expect(try !backUp(withKey: false).hasKey)
        #expect(!FileManager.default.fileExists(atPath: copy + "/seal.key"))
        try restore()
        let restored = try DataStore(opening: .folder(other))
        await #expect(throws: StorageError.self) { try await restored.revisions.secrets(of: "main") }
        try restored.close()
    }

    @Test func `overwrites nothing, neither a backup nor data`() async throws {
        let store = try DataStore(opening: .folder(folder))
        _ = try await store.log.append([event("a")])
        _ = try backUp()
        #expect(refusal { _ = try backUp() }?.description.contains("\(copy) is there already") == true)
        #expect(refusal { try Backup(reading: copy).restore(from: copy, into: folder) }?.code == .locked)
        try store.close()
        let error = refusal { try Backup(reading: copy).restore(from: copy, into: folder) }
        #expect(error?.code == .refused)
        #expect(error?.description.contains("\(folder) holds data (\(folder)/ferry.db)") == true)
        #expect(refusal { _ = try Backup(of: other, into: copy, madeAt: "", withKey: true) }?.code == .refused)
    }

    @Test(arguments: ["ferry.db", "workspace.db", "seal.key"])
    func `that is not what it was is not restored`(file: String) throws {
        try DataStore(opening: .folder(folder)).close()
        _ = try backUp()
        let path = copy + "/" + file
        var bytes = try Data(contentsOf: URL(filePath: path))
        bytes[bytes.count / 2] ^= 1
        try bytes.write(to: URL(filePath: path))
        let error = refusal { try restore() }
        #expect(error?.code == .corrupt && error?.description.hasPrefix(path) == true)
        try bytes.dropLast().write(to: URL(filePath: path))
        #expect(refusal { try restore() }?.code == .corrupt)
        try FileManager.default.removeItem(atPath: path)
        #expect(refusal { try restore() }?.description.hasPrefix(path) == true)
        #expect(!FileManager.default.fileExists(atPath: other))
    }

    @Test func `is not taken for one where it is none, nor where a newer version made it`() throws {
        try DataStore(opening: .folder(folder)).close()
        #expect(refusal { _ = try Backup(reading: folder) }?.description.contains("is no backup") == true)
        let database = try DatabaseQueue(path: folder + "/workspace.db")
        try database.write {
            try $0.execute(sql: "INSERT INTO grdb_migrations (identifier) VALUES ('2099-01-01 more')")
        }
        try database.close()
        _ = try backUp()
        let error = refusal { try restore() }
        #expect(error?.code == .newerVersion && error?.description.hasPrefix("workspace.db was written by") == true)
    }

    @Test func `half of which was restored is used by nobody until the rest is`() async throws {
        let store = try DataStore(opening: .folder(folder))
        _ = try await store.log.append([event("a")])
        try store.close()
        _ = try backUp()
        // As a restore that was killed leaves it.
        try FileManager.default.createDirectory(atPath: other, withIntermediateDirectories: true)
        try Data("then".utf8).write(to: URL(filePath: other + "/restoring"))
        try Data("half".utf8).write(to: URL(filePath: other + "/ferry.db"))
        try Data("else's".utf8).write(to: URL(filePath: other + "/ferry.db-wal"))
        let error = refusal { _ = try DataStore(opening: .folder(other)) }
        #expect(
            error?.description
                == "\(other) holds half of a backup: run ferry restore again, or choose another data folder"
        )
        try restore()
        let restored = try DataStore(opening: .folder(other))
        #expect(try await restored.log.count() == 1)
        try restored.close()
    }
}
