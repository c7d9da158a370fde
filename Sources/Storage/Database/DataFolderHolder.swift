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
        guard let data = FileManager.default.contents(atPath: "/proc/locks") else {
            self = .unknown
            return
        }
        // 1: FLOCK  ADVISORY  WRITE 4711 fd:01:2490541 0 EOF
        for line in String(decoding: data, as: UTF8.self).split(separator: "\n") {
            let words = line.split(separator: " ")
            guard words.count >= 8, words[1] == "FLOCK", words[3] == "WRITE", let process = Int32(words[4]) else {
                continue
            }
            let place = words[5].split(separator: ":")
            guard place.count == 3, UInt64(place[2]) == UInt64(status.st_ino),
                Self.device(place[0], place[1]) == UInt64(status.st_dev)
            else { continue }
            self = .process(max(process, 0))
            return
        }
        self = .nobody
    }

    /// A number as the system composes it of two.
    private static func device(_ major: Substring, _ minor: Substring) -> UInt64? {
        guard let major = UInt64(major, radix: 16), let minor = UInt64(minor, radix: 16) else { return nil }
        return (minor & 0xff) | (major & 0xfff) << 8 | (minor & ~0xff) << 12 | (major & ~0xfff) << 32
    }
}
