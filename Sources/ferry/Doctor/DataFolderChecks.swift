import Foundation
import Integrations

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// Whether the data folder is a place where an acknowledged event is safe.
struct DataFolderChecks {
    private(set) var findings: [Finding] = []
    private let path: String

    private static let leastBytes: Int64 = 200_000_000
    private static let slowFlush = Duration.milliseconds(50)

    init(_ path: String, retention: Configuration.Retention) {
        self.path = path
        var status = stat()
        guard stat(path, &status) == 0 else {
            let parent = Self.existingParent(of: path)
            findings.append(
                access(parent, W_OK) == 0
                    ? .ok("data", "\(path) isn't there yet: the first start makes it")
                    : .fault(
                        "data",
                        "\(path) isn't there, and \(parent) can't be written",
                        "make it for the server's user"
                    )
            )
            checkRoom(in: parent, retention)
            return
        }
        guard status.st_mode & S_IFMT == S_IFDIR else {
            findings.append(.fault("data", "\(path) is a file, not a folder", "choose another data folder"))
            return
        }
        checkOwner(status)
        checkFileSystem()
        checkRoom(in: path, retention)
        checkWriting()
    }

    private static func existingParent(of path: String) -> String {
        var url = URL(filePath: path).absoluteURL.standardizedFileURL
        repeat { url.deleteLastPathComponent() } while access(url.path, F_OK) != 0 && url.path != "/"
        return url.path
    }

    private mutating func checkOwner(_ status: stat) {
        if status.st_mode & 0o077 != 0 {
            findings.append(
                .warning("data", "others than its owner may look into \(path)", "chmod 700 \(path)")
            )
        } else if status.st_uid != geteuid(), geteuid() != 0 {
            findings.append(
                .warning("data", "\(path) belongs to another user", "call ferry doctor as the server's user")
            )
        } else {
            findings.append(.ok("data", path))
        }
    }

    // MARK: The file system

    private mutating func checkFileSystem() {
        guard let kind = Self.fileSystem(of: path) else { return }
        switch kind {
        case "nfs", "nfs4", "cifs", "smb3", "9p", "ceph", "glusterfs": warnOfNetwork(kind)
        case _ where kind.hasPrefix("fuse"): warnOfNetwork(kind)
        case "tmpfs", "ramfs":
            findings.append(
                .warning("file system", "\(path) is in memory (\(kind)): it is gone with the machine", "use a disk")
            )
        case "overlay":
            findings.append(
                .warning(
                    "file system",
                    "\(path) is in a container's own layer (overlay): it is gone with the container",
                    "mount a volume there"
                )
            )
        default: findings.append(.ok("file system", kind))
        }
    }

    /// The kind of the file system that a folder is on, as Linux calls it; `nil` where there is no such list.
    private static func fileSystem(of path: String) -> String? {
        guard let list = FileHandle(forReadingAtPath: "/proc/self/mountinfo") else { return nil }
        defer { try? list.close() }
        // It has no size and comes in pieces: where there are many mounts, the first one has not all of them.
        var data = Data()
        while let piece = try? list.read(upToCount: 1 << 16), !piece.isEmpty { data += piece }
        let path = URL(filePath: path).absoluteURL.resolvingSymlinksInPath().path
        var best: (place: Substring, kind: Substring)?
        // 36 35 98:0 /root /mnt rw,noatime master:1 - ext4 /dev/root rw
        for line in String(decoding: data, as: UTF8.self).split(separator: "\n") {
            let halves = line.split(separator: " - ", maxSplits: 1)
            let words = halves[0].split(separator: " ")
            guard halves.count == 2, words.count >= 5, let kind = halves[1].split(separator: " ").first else {
                continue
            }
            let place = words[4]
            guard place == "/" || path == place || path.hasPrefix(place + "/") else { continue }
            // Of two at one place the later one is seen.
            if place.utf8.count >= best?.place.utf8.count ?? 0 { best = (place, kind) }
        }
        return best.map { String($0.kind) }
    }

    private mutating func warnOfNetwork(_ name: String) {
        findings.append(
            .warning(
                "file system",
                "\(path) is on \(name): locks and flushes there may not hold what they promise, and SQLite needs both",
                "use a local disk, or a block device of the network"
            )
        )
    }

    private mutating func checkRoom(in folder: String, _ retention: Configuration.Retention) {
        var status = statvfs()
        guard statvfs(folder, &status) == 0 else { return }
        let free = Int64(clamping: UInt64(status.f_bavail) * UInt64(status.f_frsize))
        let used = ["ferry.db", "ferry.db-wal"].reduce(Int64(0)) { sum, name in
            let attributes = try? FileManager.default.attributesOfItem(atPath: "\(path)/\(name)")
            return sum + ((attributes?[.size] as? NSNumber)?.int64Value ?? 0)
        }
        let words = "\(Self.size(free)) free"
        if free < Self.leastBytes {
            findings.append(
                .fault(
                    "disk",
                    words,
                    "make room: on a full disk the source API answers 503 and nothing is lost or accepted"
                )
            )
        } else if free + used < retention.bytes {
            findings.append(
                .warning(
                    "disk",
                    "\(words), and the log may grow to \(Self.size(retention.bytes)): the disk is full before it is",
                    "give it a larger disk, or lower retention.size"
                )
            )
        } else if status.f_files > 0, status.f_favail < 100 {
            findings.append(.fault("disk", "\(words), but no room for more files", "remove files there"))
        } else {
            findings.append(.ok("disk", words))
        }
    }

    private static func size(_ bytes: Int64) -> String {
        bytes < 1_000_000_000 ? "\(bytes / 1_000_000) MB" : "\((Double(bytes) / 100_000_000).rounded() / 10) GB"
    }

    // MARK: Writing

    /// Writes, flushes and locks a file of its own, which then goes.
    private mutating func checkWriting() {
        let file = "\(path)/.ferry-doctor-\(getpid())"
        let descriptor = open(file, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else {
            findings.append(.fault("flush", "\(path) can't be written: \(Self.systemWords())", "make it writable"))
            return
        }
        defer {
            close(descriptor)
            unlink(file)
        }
        let page = [UInt8](repeating: 0x46, count: 4_096)
        var longest = Duration.zero
        for number in 0..<8 {
            let start = ContinuousClock.now
            guard pwrite(descriptor, page, page.count, off_t(number * page.count)) == page.count, fsync(descriptor) == 0
            else {
                findings.append(.fault("flush", "\(path) can't be written: \(Self.systemWords())", "mend the disk"))
                return
            }
            longest = max(longest, start.duration(to: .now))
        }
        let words = "a flush takes \(Int(longest / .milliseconds(1))) ms at most"
        findings.append(
            longest < Self.slowFlush
                ? .ok("flush", words)
                : .warning("flush", words, "use a faster disk: every group of events waits for one flush")
        )
        let other = open(file, O_RDWR | O_CLOEXEC)
        defer { close(other) }
        let isHeld = flock(descriptor, LOCK_EX | LOCK_NB) == 0
        let excludes = isHeld && flock(other, LOCK_EX | LOCK_NB) != 0
        findings.append(
            excludes
                ? .ok("locks", "they hold")
                : .fault(
                    "locks",
                    "a lock in \(path) keeps nobody out: two servers would use one folder",
                    "use a local file system"
                )
        )
    }

    private static func systemWords() -> String { String(cString: strerror(errno)) }
}
