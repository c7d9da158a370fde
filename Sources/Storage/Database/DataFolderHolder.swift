import Foundation

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Who holds a data folder, found out without touching the hold: a server that starts at this moment notices nothing.
package enum DataFolderHolder: Sendable, Equatable {
    case nobody
    /// The number of the process; 0 for one of another container.
    case process(Int32)
    /// This system doesn't tell.
    case unknown

    package init(of folder: String) {
        var status = stat()
        guard stat("\(folder)/ferry.lock", &status) == 0 else {
            self = .nobody
            return
        }
        self = .nobody
        // The list is read a page at a time, and may lack an entry where others come and go meanwhile.
        for _ in 0..<5 {
            guard let locks = FileManager.default.contents(atPath: "/proc/locks") else {
                self = .unknown
                return
            }
            if let process = Self.holder(of: status, in: String(decoding: locks, as: UTF8.self)) {
                self = .process(max(process, 0))
                return
            }
            usleep(5_000)
        }
    }

    private static func holder(of file: stat, in locks: String) -> Int32? {
        // 1: FLOCK  ADVISORY  WRITE 4711 fd:01:2490541 0 EOF
        for line in locks.split(separator: "\n") {
            let words = line.split(separator: " ")
            guard words.count >= 8, words[1] == "FLOCK", words[3] == "WRITE", let process = Int32(words[4]) else {
                continue
            }
            let place = words[5].split(separator: ":")
            guard place.count == 3, UInt64(place[2]) == UInt64(file.st_ino) else { continue }
            // Some file systems (btrfs) have another number there than `stat` tells.
            if device(place[0], place[1]) == UInt64(file.st_dev) || isFerry(process) { return process }
        }
        return nil
    }

    private static func isFerry(_ process: Int32) -> Bool {
        FileManager.default.contents(atPath: "/proc/\(process)/comm") == Data("ferry\n".utf8)
    }

    /// A number as the system composes it of two.
    private static func device(_ major: Substring, _ minor: Substring) -> UInt64? {
        guard let major = UInt64(major, radix: 16), let minor = UInt64(minor, radix: 16) else { return nil }
        return (minor & 0xff) | (major & 0xfff) << 8 | (minor & ~0xff) << 12 | (major & ~0xfff) << 32
    }
}
