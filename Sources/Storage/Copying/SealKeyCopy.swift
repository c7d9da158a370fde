import Foundation

/// Takes `seal.key` along, without which the secrets in a log open for nobody.
struct SealKeyCopy {
    private let from: String?
    private let to: String?
    private let hasSecrets: Bool

    /// Looks at the keys of both ends.
    ///
    /// - Throws: `refused` where the target has another key than the one that the secrets need.
    init(from source: CopyEnd, to target: CopyEnd) throws {
        func isAny(_ tables: [String], _ end: CopyEnd?) throws -> Bool {
            try end?.read { connection in
                try tables.contains { try connection.row("SELECT 1 FROM \($0) LIMIT 1") != nil }
            } ?? false
        }
        hasSecrets =
            try isAny(["sealed_secrets", "kept_sources"], source) || isAny(["workspace_keys"], source.workspaces)
        (from, to) = (source.folder, target.folder)
        guard hasSecrets, let from, let to, let key = Self.key(in: from), let other = Self.key(in: to), other != key
        else {
            return
        }
        throw StorageError(
            .refused,
            "\(to)/seal.key is not the key of \(from), which opens the secrets in the log: move it away"
        )
    }

    /// Copies it where the target has none.
    func bring() throws -> LogCopy.Key {
        guard let to else { return hasSecrets ? .missing(from: from) : .none }
        if Self.key(in: to) != nil { return .present }
        guard let from, let key = Self.key(in: from) else { return hasSecrets ? .missing(from: from) : .none }
        let path = "\(to)/\(Self.file)"
        do {
            try FileManager.default.createDirectory(
                atPath: to,
                withIntermediateDirectories: true,
                attributes: [.posixPermissions: 0o700]
            )
            guard FileManager.default.createFile(atPath: path, contents: nil, attributes: [.posixPermissions: 0o600]),
                let handle = FileHandle(forWritingAtPath: path)
            else { throw StorageError(.unwritable, "\(path) can't be written") }
            defer { try? handle.close() }
            try handle.write(contentsOf: key)
            try handle.synchronize()
        } catch let error as StorageError {
            throw error
        } catch {
            throw StorageError(.unwritable, "\(path) can't be written: \(error.localizedDescription)")
        }
        DataFolder.flush(to)
        return .present
    }

    private static let file = "seal.key"

    /// `nil` where there is none; one that was made and not written counts as none.
    private static func key(in folder: String) -> Data? {
        FileManager.default.contents(atPath: "\(folder)/\(file)").flatMap { $0.isEmpty ? nil : $0 }
    }
}
