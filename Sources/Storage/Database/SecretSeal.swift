import Crypto
import Foundation

/// Seals the secrets that stand in the database, with a key that does not: a copy of the database alone tells nobody.
struct SecretSeal: Sendable {
    private static let file = "seal.key"
    private static let keyBytes = 32

    let key: SymmetricKey

    /// The key of a data folder, made where there is none yet; a new one for data in memory.
    init(in folder: DataFolder?) throws(StorageError) {
        guard let folder else {
            key = SymmetricKey(size: .bits256)
            return
        }
        let path = try folder.file(Self.file)
        guard let handle = FileHandle(forUpdatingAtPath: path) else {
            throw StorageError(.unwritable, "\(path) cannot be read; make it readable for its owner")
        }
        do {
            defer { try? handle.close() }
            let bytes = try handle.readToEnd() ?? Data()
            if bytes.isEmpty {
                key = SymmetricKey(size: .bits256)
                try handle.write(contentsOf: key.withUnsafeBytes { Data($0) })
                try handle.synchronize()
            } else {
                guard bytes.count == Self.keyBytes else {
                    throw StorageError(.corrupt, "\(path) is no key; restore it from a copy of the data folder")
                }
                key = SymmetricKey(data: bytes)
            }
        } catch let error as StorageError {
            throw error
        } catch {
            throw StorageError(.unwritable, "\(path) cannot be written: \(error.localizedDescription)")
        }
    }

    /// A secret as it may be stored. `place` says whose it is: it opens nowhere else.
    func seal(_ secret: String, at place: String) throws -> [UInt8] {
        let box = try ChaChaPoly.seal(Array(secret.utf8), using: key, authenticating: Array(place.utf8))
        return Array(box.combined)
    }

    func open(_ sealed: [UInt8], at place: String) throws(StorageError) -> String {
        do {
            let box = try ChaChaPoly.SealedBox(combined: sealed)
            let bytes = try ChaChaPoly.open(box, using: key, authenticating: Array(place.utf8))
            return String(decoding: bytes, as: UTF8.self)
        } catch {
            throw StorageError(
                .corrupt,
                "the secret \(place) does not open with \(Self.file) of the data folder; apply its integration again"
            )
        }
    }
}
