import Foundation
import LosslessJSON
import Storage
import Testing

/// A disk that fails to flush. Afterwards nobody knows what is on it: what was not flushed must not count as stored, and
/// must not be taken for stored when the next flush works.
@Suite(.enabled(if: FailingDisk.canBeBuilt, "needs a C compiler at /usr/bin/cc"), .timeLimit(.minutes(2)))
struct `A flush that fails` {
    @Test func `costs the calls that were answered 503, and they can come again`() async throws {
        let disk = try FailingDisk()
        let data = disk.folder.url.appending(path: "data").path
        let ferry = try await RunningFerry(data: data, environment: disk.environment)
        var answers: [UInt] = []
        for (name, isFailing) in [("a", false), ("b", true), ("c", true), ("b", false), ("d", false), ("a", false)] {
            try disk.set(isFailing: isFailing)
            let call: JSON = ["userId": "u1", "event": .string(name), "messageId": .string(name)]
            answers.append(try await ferry.post("/v1/track", call).status)
        }
        #expect(answers == [200, 503, 503, 200, 200, 200])
        ferry.kill()
        var logged: [String?] = []
        try LogReader(folder: data).forLast(10) { logged.append(try JSON(parsing: $0.body)["event"]?.stringValue) }
        #expect(logged == ["a", "b", "d"])
    }
}

/// A library in front of the system's that fails every flush while a file is there.
private struct FailingDisk {
    let folder: ScratchFolder
    private let switchPath: String
    private let library: String

    static var canBeBuilt: Bool { FileManager.default.isExecutableFile(atPath: "/usr/bin/cc") }

    init() throws {
        folder = try ScratchFolder()
        switchPath = folder.url.appending(path: "fails").path
        library = folder.url.appending(path: "failing.so").path
        let source = try folder.file(
            "failing.c",
            """
            #define _GNU_SOURCE
            #include <dlfcn.h>
            #include <errno.h>
            #include <unistd.h>
            #define FAILING(name) \\
                int name(int file) { \\
                    if (access("\(switchPath)", F_OK) == 0) { errno = EIO; return -1; } \\
                    return ((int (*)(int))dlsym(RTLD_NEXT, #name))(file); \\
                }
            FAILING(fsync)
            FAILING(fdatasync)
            """
        )
        let compiler = try Process.run(
            URL(filePath: "/usr/bin/cc"),
            arguments: ["-shared", "-fPIC", source, "-o", library, "-ldl"]
        )
        compiler.waitUntilExit()
        try #require(compiler.terminationStatus == 0)
    }

    var environment: [String: String] { ["LD_PRELOAD": library] }

    func set(isFailing: Bool) throws {
        if isFailing {
            _ = FileManager.default.createFile(atPath: switchPath, contents: nil)
        } else {
            try? FileManager.default.removeItem(atPath: switchPath)
        }
    }
}
