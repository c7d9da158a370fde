import Foundation
import Testing

@Suite(.timeLimit(.minutes(3))) struct `What is installed` {
    private static let repository = URL(filePath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
    private static let builtFolder = FerryProcess.program.deletingLastPathComponent()
    private static let bash = URL(filePath: "/bin/bash")

    /// The program, and what stands beside it.
    private static let expected: Set<String> = [
        "bin/ferry", "share/bash-completion/completions/ferry", "share/zsh/site-functions/_ferry",
        "share/fish/vendor_completions.d/ferry.fish", "lib/systemd/system/ferry.service",
    ]

    /// Runs scripts/install into a folder.
    private func install(
        _ arguments: [String] = [builtFolder.path],
        to destination: String = "",
        prefix: String
    ) async throws -> FerryProcess.Result {
        try await FerryProcess.run(
            [Self.repository.appending(path: "scripts/install").path] + arguments,
            program: Self.bash,
            environment: ["DESTDIR": destination, "PREFIX": prefix]
        )
    }

    private func files(below folder: URL) throws -> Set<String> {
        let root = folder.resolvingSymlinksInPath().path + "/"
        let found = FileManager.default.enumerator(at: folder, includingPropertiesForKeys: [.isRegularFileKey])
        var files: Set<String> = []
        for case let file as URL in try #require(found)
        where try file.resourceValues(forKeys: [.isRegularFileKey]).isRegularFile == true {
            files.insert(String(file.resolvingSymlinksInPath().path.dropFirst(root.count)))
        }
        return files
    }

    private static func find(_ program: String) -> URL? {
        ["/usr/bin/", "/bin/", "/usr/local/bin/"].map { URL(filePath: $0 + program) }
            .first { FileManager.default.isExecutableFile(atPath: $0.path) }
    }

    @Test func `stands below PREFIX and behind DESTDIR, and uninstalling takes it away`() async throws {
        let folder = try ScratchFolder()
        let installed = try await install(to: folder.url.path, prefix: "/opt/ferry")
        #expect(installed.status == 0, "\(installed.errors)")
        let below = folder.url.appending(path: "opt/ferry")
        let found = try files(below: below)
        #expect(found.filter { !$0.hasPrefix("share/man/man1/") } == Self.expected)
        let unit = try String(
            contentsOf: below.appending(path: "lib/systemd/system/ferry.service"),
            encoding: .utf8
        )
        #expect(unit.contains("ExecStart=/opt/ferry/bin/ferry serve "))
        #expect(!unit.contains("/usr/local"))
        let version = try await FerryProcess.run(["--version"], program: below.appending(path: "bin/ferry"))
        #expect(version.output == (try await FerryProcess.run(["--version"])).output)

        let other = try folder.file("opt/ferry/bin/other", "somebody else's")
        let removed = try await install(["--remove"], to: folder.url.path, prefix: "/opt/ferry")
        #expect(removed.status == 0, "\(removed.errors)")
        #expect(try files(below: below) == ["bin/other"], "\(other)")
    }

    @Test func `is not half of it where the program was not built`() async throws {
        let folder = try ScratchFolder()
        let result = try await install([folder.url.path], to: folder.url.path, prefix: "/usr")
        #expect(result.status == 1)
        #expect(result.errors.contains("run `make release` first"))
        #expect(try files(below: folder.url).isEmpty)
    }

    @Test(arguments: ["usr", "../usr"]) func `needs a whole path`(prefix: String) async throws {
        let result = try await install(prefix: prefix)
        #expect(result.status == 64)
        #expect(result.errors == "PREFIX must begin with /: it is \(prefix)\n")
    }

    @Test(arguments: [("bash", "-n"), ("zsh", "-n"), ("fish", "--no-execute")])
    func `has completions that each shell reads`(shell: String, readOnly: String) async throws {
        let folder = try ScratchFolder()
        let script = try await FerryProcess.run(["--generate-completion-script", shell])
        #expect(script.output.contains("revisions"))
        guard let program = Self.find(shell) else { try Test.cancel("\(shell) is not installed") }
        let file = try folder.file("completions", script.output)
        let result = try await FerryProcess.run([readOnly, file], program: program)
        #expect(result.status == 0)
        #expect(result.errors == "")
    }

    @Test func `has a unit in which systemd finds no fault`() async throws {
        guard let analyze = Self.find("systemd-analyze") else { try Test.cancel("systemd-analyze is not installed") }
        let folder = try ScratchFolder()
        let prefix = folder.url.path + "/ferry"
        #expect(try await install(prefix: prefix).status == 0)
        let unit = prefix + "/lib/systemd/system/ferry.service"
        let verified = try await FerryProcess.run(["verify", "--man=no", unit], program: analyze)
        #expect(verified.status == 0)
        #expect(verified.errors == "")
        let security = try await FerryProcess.run(
            ["security", "--offline=true", "--threshold=15", "--no-pager", unit],
            program: analyze
        )
        #expect(security.status == 0, "\(security.output)")
    }

    @Test func `has man pages that are rendered without a warning`() async throws {
        let generator = Self.builtFolder.appending(path: "generate-manual").path
        guard FileManager.default.isExecutableFile(atPath: generator) else {
            try Test.cancel("generate-manual is not built: make test builds it")
        }
        guard let groff = Self.find("groff") else { try Test.cancel("groff is not installed") }
        let folder = try ScratchFolder()
        #expect(try await install(prefix: folder.url.path).status == 0)
        let pages = try files(below: folder.url).filter { $0.hasPrefix("share/man/") }
        #expect(pages.contains("share/man/man1/ferry.1"))
        #expect(pages.contains("share/man/man1/ferry-serve.1"))
        #expect(pages.contains("share/man/man1/ferry-jobs-pause.1"))
        let main = try String(contentsOf: folder.url.appending(path: "share/man/man1/ferry.1"), encoding: .utf8)
        #expect(main.contains(".Xr ferry-serve 1"))
        #expect(!main.contains("ferry."))
        for page in pages {
            let path = folder.url.appending(path: page).path
            let rendered = try await FerryProcess.run(["-mandoc", "-Tutf8", "-ww", "-z", path], program: groff)
            #expect(rendered.errors == "", "\(page)")
        }
    }
}

@Suite(.timeLimit(.minutes(3))) struct `ferry --version` {
    @Test func `names the version and SQLite's`() async throws {
        let result = try await FerryProcess.run(["--version"])
        #expect(result.status == 0)
        #expect(try #/0\.1\.0 \(.+, (debug|release);.* SQLite 3\.\d+\.\d+\)\n/#.wholeMatch(in: result.output) != nil)
    }

    @Test(.enabled(if: ProcessInfo.processInfo.environment["FERRY_COMMIT"] != nil, "make tells the build its commit"))
    func `names the commit that was built, and whether files were changed`() async throws {
        let told = try #require(ProcessInfo.processInfo.environment["FERRY_COMMIT"])
        let output = try await FerryProcess.run(["--version"]).output
        let words = told.hasSuffix("-changed") ? "\(told.dropLast("-changed".count)) with changes" : told
        #expect(output.contains("(\(words.isEmpty ? "commit unknown" : words), "))
    }
}
