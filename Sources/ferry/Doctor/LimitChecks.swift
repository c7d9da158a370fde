import Foundation

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// Whether the process may have what it needs: files and memory. Where a server runs, its own limits count.
struct LimitChecks {
    private(set) var findings: [Finding] = []

    private static let fewestFiles: UInt64 = 256
    private static let enoughFiles: UInt64 = 4_096
    private static let leastMemory: Int64 = 128 << 20
    private static let enoughMemory: Int64 = 512 << 20

    init(process: Int32?) {
        checkFiles(process)
        checkMemory()
    }

    private mutating func checkFiles(_ process: Int32?) {
        let (owner, most) = Self.filesOfServer(process).map { ("the server", $0) } ?? ("a process here", Self.files)
        guard let most else { return }
        let words = "\(owner) may have \(most) open files"
        let help = "ulimit -n 65536, or LimitNOFILE=65536 in the unit: each connection is one"
        if most < Self.fewestFiles {
            findings.append(.fault("open files", words, help))
        } else if most < Self.enoughFiles {
            findings.append(.warning("open files", words, help))
        } else {
            findings.append(.ok("open files", words))
        }
    }

    private static var files: UInt64? {
        var limit = rlimit()
        #if canImport(Glibc)
            let resource = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
        #else
            let resource = RLIMIT_NOFILE
        #endif
        guard getrlimit(resource, &limit) == 0 else { return nil }
        return UInt64(limit.rlim_cur)
    }

    private static func filesOfServer(_ process: Int32?) -> UInt64? {
        guard let process, let data = FileManager.default.contents(atPath: "/proc/\(process)/limits") else {
            return nil
        }
        let line = String(decoding: data, as: UTF8.self).split(separator: "\n").first { $0.hasPrefix("Max open files") }
        return line?.split(separator: " ").dropFirst(3).first.flatMap { UInt64($0) }
    }

    private mutating func checkMemory() {
        guard let bytes = Self.memoryOfGroup ?? Self.memoryOfMachine else { return }
        let words = "\(bytes / 1_000_000) MB may be used"
        let help = "give it more: bodies that are read and events that wait for their commit take up to 128 MB"
        if bytes < Self.leastMemory {
            findings.append(.fault("memory", words, help))
        } else if bytes < Self.enoughMemory {
            findings.append(.warning("memory", words, help))
        } else {
            findings.append(.ok("memory", words))
        }
    }

    /// What a container or unit may have, of cgroup version 2.
    private static var memoryOfGroup: Int64? {
        guard let data = FileManager.default.contents(atPath: "/sys/fs/cgroup/memory.max") else { return nil }
        return Int64(String(decoding: data, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines))
    }

    private static var memoryOfMachine: Int64? {
        guard let data = FileManager.default.contents(atPath: "/proc/meminfo") else { return nil }
        let line = String(decoding: data, as: UTF8.self).split(separator: "\n").first { $0.hasPrefix("MemAvailable:") }
        return line?.split(separator: " ").dropFirst().first.flatMap { Int64($0) }.map { $0 * 1_024 }
    }
}
