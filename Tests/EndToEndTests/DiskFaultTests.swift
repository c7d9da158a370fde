import Foundation
import LosslessJSON
import Storage
import Testing

/// A disk that fails to flush. Afterwards nobody knows what is on it: what was not flushed must not count as stored, and
/// must not be taken for stored when the next flush works.
@Suite(.timeLimit(.minutes(2)))
struct `A flush that fails` {
    @Test func `costs the calls that were answered 503, and they can come again`() async throws {
        let disk = try await FailingDisk()
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

@Suite(.timeLimit(.minutes(2)))
struct `A flush that takes long` {
    @Test func `is a slow statement: it is logged without what was stored, and counted`() async throws {
        let disk = try await FailingDisk(onFlush: "usleep(400000);")
        let log = try disk.folder.file("ferry.log")
        let ferry = try await RunningFerry(
            data: disk.folder.url.appending(path: "data").path,
            config: try disk.folder.file(
                "ferry.yaml",
                "{ log: { format: json, slow_statement_ms: 300 }, sources: { web: { write_key: k } } }"
            ),
            log: log,
            environment: disk.environment
        )
        #expect(
            try await ferry.text("/metrics").contains(#"ferry_storage_slow_statements_total{database="ferry.db"} 0"#)
        )
        try disk.set(isFailing: true)
        let call: JSON = ["userId": "geheim-4711", "event": "geheim-4712"]
        #expect(try await ferry.post("/v1/track", call, key: "k").status == 200)
        try disk.set(isFailing: false)
        let metrics = try await ferry.text("/metrics")
        #expect(ferry.stop() == 0)
        let count = try #require(
            metrics.firstMatch(of: #/slow_statements_total\{database="ferry.db"\} (\d+)/#)?.output.1
        )
        #expect(Int(count) ?? 0 > 0)
        let text = try String(contentsOfFile: log, encoding: .utf8)
        let slow = try text.split(separator: "\n").map { try JSON(parsing: Array($0.utf8)) }
            .first { $0["message"] == "a statement took long" }
        #expect(slow?["level"] == "warning" && slow?["database"] == "ferry.db", "\(text)")
        #expect(slow?["sql"]?.stringValue?.hasPrefix("COMMIT") == true, "\(text)")
        #expect(Int(slow?["milliseconds"]?.stringValue ?? "") ?? 0 >= 300)
        #expect(!text.contains("geheim"))
    }
}

/// A disk that fails every flush, or does something else first, while a file is there.
private struct FailingDisk {
    let folder: ScratchFolder
    private let switchPath: String
    private let library: Interposer

    init(onFlush reaction: String = "errno = EIO; return -1;") async throws {
        folder = try ScratchFolder()
        switchPath = folder.url.appending(path: "fails").path
        library = try await Interposer(
            """
            #define _GNU_SOURCE
            #include <dlfcn.h>
            #include <errno.h>
            #include <unistd.h>
            #define FAILING(name) \\
                int name(int file) { \\
                    if (access("\(switchPath)", F_OK) == 0) { \(reaction) } \\
                    return ((int (*)(int))dlsym(RTLD_NEXT, #name))(file); \\
                }
            FAILING(fsync)
            FAILING(fdatasync)
            """
        )
    }

    var environment: [String: String] { library.environment }

    func set(isFailing: Bool) throws {
        if isFailing {
            _ = FileManager.default.createFile(atPath: switchPath, contents: nil)
        } else {
            try? FileManager.default.removeItem(atPath: switchPath)
        }
    }
}
