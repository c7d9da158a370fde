#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// The folder of the databases, held by one process at a time until it is let go or this value ends.
///
/// The hold is an advisory lock on `ferry.lock`, which the system takes back when the process ends, however it ends.
final class DataFolder: Sendable {
    let path: String
    private let lock: CInt

    /// There while a backup is being restored into the folder.
    static let mark = "restoring"

    /// Makes the folder if it is missing and takes hold of it.
    ///
    /// - Throws: `refused` where a restore was not finished, unless it is about to be.
    init(_ path: String, isBeingRestored: Bool = false) throws(StorageError) {
        try Self.makeFolder(path)
        guard isBeingRestored || access("\(path)/\(Self.mark)", F_OK) != 0 else {
            throw StorageError(
                .refused,
                "\(path) holds half of a backup: run ferry restore again, or choose another data folder"
            )
        }
        let file = path + "/ferry.lock"
        let lock = open(file, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard lock >= 0 else {
            throw Self.unwritable(path)
        }
        guard flock(lock, LOCK_EX | LOCK_NB) == 0 else {
            let isHeld = errno == EWOULDBLOCK
            _ = Self.closeFile(lock)
            throw isHeld
                ? StorageError(.locked, "\(path) is in use by another Ferry; stop it, or choose another data folder")
                : StorageError(.unwritable, "\(file) cannot be locked: \(Self.systemWords())")
        }
        self.path = path
        self.lock = lock
    }

    deinit {
        _ = Self.closeFile(lock)
    }

    /// Lets others have the folder.
    func letGo() {
        _ = flock(lock, LOCK_UN)
    }

    /// The path of a file in the folder. The file exists afterwards, for its owner's eyes only, and the folder's entry
    /// of it is on the disk. SQLite gives the files beside it (`-wal`, `-shm`) the same mode.
    func file(_ name: String) throws(StorageError) -> String {
        let file = path + "/" + name
        let descriptor = open(file, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else {
            throw StorageError(
                .unwritable,
                "\(file) cannot be written: \(Self.systemWords()); make it writable, or choose another data folder"
            )
        }
        // Who may open the file for writing but does not own it may not change its mode, and need not.
        _ = fchmod(descriptor, 0o600)
        _ = Self.closeFile(descriptor)
        Self.flush(path)
        return file
    }

    /// The file of the log in a folder where there has to be one; nothing is made.
    ///
    /// - Throws: `refused` when there is none.
    static func log(in path: String) throws(StorageError) -> String {
        let wayOut = "name the data folder of the server with --data"
        guard isFolder(path) else { throw StorageError(.refused, "there is no folder \(path): \(wayOut)") }
        let file = path + "/ferry.db"
        guard access(file, F_OK) == 0 else {
            throw StorageError(.refused, "\(path) holds no log (ferry.db): \(wayOut)")
        }
        return file
    }

    /// The folder that a path is in.
    static func parent(of path: String) -> String {
        let steps = path.split(separator: "/").dropLast().joined(separator: "/")
        return path.hasPrefix("/") ? "/" + steps : steps.isEmpty ? "." : steps
    }

    /// Makes the folder and those above it.
    private static func makeFolder(_ path: String) throws(StorageError) {
        guard !path.isEmpty, !path.utf8.contains(0) else {
            throw StorageError(.unwritable, "the data folder has no name; choose one")
        }
        var made = path.utf8.first == UInt8(ascii: "/") ? "/" : ""
        let steps = path.split(separator: "/")
        for (position, step) in steps.enumerated() {
            let parent = made.isEmpty ? "." : made
            made += made.isEmpty || made == "/" ? String(step) : "/" + step
            let mode: mode_t = position == steps.count - 1 ? 0o700 : 0o755
            if mkdir(made, mode) == 0 {
                flush(parent)
                continue
            }
            guard errno == EEXIST || isFolder(made) else {
                throw unwritable(path)
            }
        }
        guard isFolder(path) else {
            throw StorageError(.unwritable, "\(path) is a file, not a folder; choose another data folder")
        }
    }

    private static func isFolder(_ path: String) -> Bool {
        var status = stat()
        guard stat(path, &status) == 0 else { return false }
        return status.st_mode & S_IFMT == S_IFDIR
    }

    /// A new entry of a folder is durable when the folder is. Not every file system can do it; then nothing is lost
    /// but a file that has just been made.
    static func flush(_ path: String) {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return }
        _ = fsync(descriptor)
        _ = closeFile(descriptor)
    }

    private static func unwritable(_ path: String) -> StorageError {
        StorageError(
            .unwritable,
            "\(path) cannot be made or written: \(systemWords()); make it writable, or choose another data folder"
        )
    }

    private static func closeFile(_ descriptor: CInt) -> CInt {
        close(descriptor)
    }

    private static func systemWords() -> String {
        String(cString: strerror(errno))
    }
}
