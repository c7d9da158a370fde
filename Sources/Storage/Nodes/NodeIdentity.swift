import Foundation

/// By which a database knows a node again: a number in its folder, made with it.
enum NodeIdentity {
    private static let file = "node"

    /// - Throws: `unwritable`.
    static func id(in folder: DataFolder?) throws(StorageError) -> String {
        let new = String(UInt64.random(in: .min ... .max), radix: 16)
        guard let folder else { return new }
        let path = try folder.file(file)
        do {
            let known = try String(contentsOfFile: path, encoding: .utf8).trimmingCharacters(
                in: .whitespacesAndNewlines
            )
            if !known.isEmpty, known.utf8.count <= 64 { return known }
            try (new + "\n").write(toFile: path, atomically: true, encoding: .utf8)
            return new
        } catch {
            throw StorageError(.unwritable, "\(path) cannot be read or written: \(error.localizedDescription)")
        }
    }
}
