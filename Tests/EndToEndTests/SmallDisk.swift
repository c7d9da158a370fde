import Foundation

/// A file system of its own, which goes with the value.
final class SmallDisk: Sendable {
    let path: String

    static var canBeMounted: Bool { geteuid() == 0 && FileManager.default.isExecutableFile(atPath: "/bin/mount") }

    init(megabytes: Int) throws {
        path = FileManager.default.temporaryDirectory.appending(path: "ferry-disk-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        try Self.run("/bin/mount", ["-t", "tmpfs", "-o", "size=\(megabytes)m", "tmpfs", path])
    }

    deinit {
        try? Self.run("/bin/umount", ["-l", path])
        try? FileManager.default.removeItem(atPath: path)
    }

    private var ballast: String { path + "/ballast" }

    /// Takes all the room, bit by bit because others write meanwhile, and gives so many bytes of it back.
    func fill(leaving bytes: Int) {
        let file = open(ballast, O_WRONLY | O_CREAT, 0o600)
        defer { close(file) }
        var taken: off_t = 0
        for step: off_t in [1 << 20, 4096] {
            while posix_fallocate(file, taken, step) == 0 { taken += step }
        }
        ftruncate(file, max(0, taken - off_t(bytes)))
    }

    func makeRoom() {
        try? FileManager.default.removeItem(atPath: ballast)
    }

    private static func run(_ program: String, _ arguments: [String]) throws {
        let process = try Process.run(URL(filePath: program), arguments: arguments)
        process.waitUntilExit()
        guard process.terminationStatus == 0 else { throw CocoaError(.fileWriteUnknown) }
    }
}
