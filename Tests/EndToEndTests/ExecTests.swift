import Foundation
import Launching
import LosslessJSON
import Testing

@Suite(.timeLimit(.minutes(3))) struct `ferry exec` {
    private static func run(_ script: String, _ options: [String] = [], input: String = "") async throws
        -> FerryProcess.Result
    {
        try await FerryProcess.run(["exec"] + options + ["--", "sh", "-c", script], input: input)
    }

    @Test func `runs a command with its input, output, errors and status`() async throws {
        let result = try await Self.run("cat; echo said >&2; exit 7", input: "given\n")
        #expect(result.status == 7 && result.output == "given\n" && result.errors == "said\n")
        #expect(try await Self.run("true").status == 0)
    }

    @Test func `tells the command where Ferry is`() async throws {
        let result = try await Self.run(
            """
            echo "$FERRY_WRITE_KEY"
            curl -s -u "$FERRY_WRITE_KEY:" "$FERRY_URL/v1/identify" -d '{"userId":"u1","traits":{"plan":"pro"}}'; echo
            curl -s "$FERRY_WORKSPACE_URL/admin/v1/workspace/people/u1?wait=10&attributes.plan=pro"; echo
            curl -s -u "$CUSTOMERIO_SITE_ID:$CUSTOMERIO_API_KEY" "$FERRY_WORKSPACE_URL/auth"; echo
            """
        )
        #expect(result.status == 0, "\(result.errors)")
        try #require(result.lines.count == 4, "\(result.output)")
        #expect(result.lines[0] == "ferry-local")
        #expect(try JSON(parsing: result.lines[2])["attributes"]?["plan"] == "pro")
        #expect(result.lines[3].contains("nice credentials"))
    }

    @Test func `speaks TLS where that is wanted`() async throws {
        let result = try await Self.run(
            """
            curl -s -u "$FERRY_WRITE_KEY:" "$FERRY_URL/v1/identify" -d '{"userId":"u1","traits":{"plan":"pro"}}' >&2
            curl -s --cacert "$FERRY_WORKSPACE_CERTIFICATE" \\
                "$FERRY_WORKSPACE_URL/admin/v1/workspace/people/u1?wait=10&attributes.plan=pro"; echo
            echo "$FERRY_WORKSPACE_URL $FERRY_WORKSPACE_CERTIFICATE"
            """,
            ["--tls-self-signed"]
        )
        try #require(result.lines.count == 2, "\(result.output)\(result.errors)")
        #expect(try JSON(parsing: result.lines[0])["attributes"]?["plan"] == "pro")
        let said = result.lines[1].split(separator: " ").map(String.init)
        #expect(said.count == 2 && said[0].hasPrefix("https://127.0.0.1:"))
        #expect(said.last.map { FileManager.default.fileExists(atPath: $0) } == false, "it goes with the command")
        #expect(try await Self.run("true", ["--tls-certificate", "a.pem"]).status == 64)
        #expect(try await Self.run("true", ["--tls-certificate", "a.pem", "--tls-key", "a.pem"]).status == 1)
    }

    @Test func `sends nothing out, whatever the configuration says`() async throws {
        let folder = try ScratchFolder()
        let config = try folder.file(
            "ferry.yaml",
            """
            admin_token: env:FERRY_NOT_SET
            sources: { web: { write_key: web-key } }
            integrations:
              production:
                type: customerio
                settings: { site_id: env:FERRY_NOT_SET, api_key: env:FERRY_NOT_SET, account_region: EU }
            workspaces:
              other: { site_id: other-site, api_key: other-key, region: eu }
            """
        )
        let result = try await Self.run(
            """
            curl -s -u "$FERRY_WRITE_KEY:" "$FERRY_URL/v1/identify" -d '{"userId":"u1"}' >&2
            curl -s "$FERRY_WORKSPACE_URL/admin/v1/workspace/people/u1?wait=10&workspace=production"; echo
            curl -s -u "other-site:other-key" "$FERRY_WORKSPACE_URL/api/v1/accounts/region"; echo
            """,
            ["--config", config]
        )
        #expect(result.lines.first?.contains(#""id":"u1""#) == true, "\(result.output)\(result.errors)")
        #expect(result.lines.last?.contains(#""region":"eu""#) == true)
    }

    @Test func `ends with 127 for a command that can't be started, and with 64 without one`() async throws {
        let result = try await FerryProcess.run(["exec", "--", "/nowhere/at-all"])
        #expect(result.status == 127 && result.errors.contains("/nowhere/at-all can't be started: No such file"))
        #expect(try await FerryProcess.run(["exec"]).status == 64)
        let folder = try ScratchFolder()
        let config = try folder.file("ferry.yaml", "nonsense: 1")
        #expect(try await FerryProcess.run(["exec", "--config", config, "--", "true"]).status == 78)
    }

    @Test func `ends with 128 and the signal for a command that was killed`() async throws {
        #expect(try await Self.run("kill -9 $$").status == 137)
        #expect(try await Self.run("kill -SEGV $$").status == 139)
    }

    @Test(arguments: [(SIGTERM, "TERM"), (SIGINT, "INT")])
    func `passes a signal on, and waits for what the command makes of it`(signal: Int32, name: String) async throws {
        let folder = try ScratchFolder()
        let started = folder.url.appending(path: "started").path
        let process = Process()
        process.executableURL = FerryProcess.program
        let script = "trap 'sleep 0.3; exit 9' \(name); touch \(started); while :; do sleep 0.05; done"
        process.arguments = ["exec", "--", "sh", "-c", script]
        process.standardInput = FileHandle.nullDevice
        try process.launchAlone()
        while !FileManager.default.fileExists(atPath: started), process.isRunning {
            try await Task.sleep(for: .milliseconds(20))
        }
        kill(process.processIdentifier, signal)
        process.waitUntilExit()
        #expect(process.terminationStatus == 9)
    }

    @Test func `leaves no port open in what the command leaves behind`() async throws {
        let result = try await Self.run("ls /proc/self/fd | wc -l; (sleep 20 >/dev/null 2>&1 </dev/null &)")
        // 0, 1, 2 and the folder itself.
        #expect(result.status == 0 && Int(result.output.trimmingCharacters(in: .whitespacesAndNewlines)) == 4)
    }

    /// Customer.io's own Python SDK and pytest, unmodified, as docs/testing-with-ferry.md has it.
    @Test(.enabled(if: PythonSDK.isInstalled, "needs scripts/setup tests"))
    func `carries a pytest suite with a real SDK`() async throws {
        let folder = try ScratchFolder()
        let test = Bundle.module.bundleURL.appending(path: "SDKs/test_with_ferry.py").path
        let result = try await FerryProcess.run(
            ["exec", "--", PythonSDK.python.path, "-m", "pytest", "-q", "-p", "no:cacheprovider", test],
            in: folder
        )
        #expect(result.status == 0, "\(result.output)\(result.errors)")
        #expect(result.output.contains("4 passed"))
    }

    /// The recipe for Node of docs/testing-with-ferry.md.
    @Test(.enabled(if: ExecTrial.node != nil, "needs Node"))
    func `carries a suite of Node's test runner`() async throws {
        let test = Bundle.module.bundleURL.appending(path: "SDKs/with-ferry.test.mjs").path
        let node = try #require(ExecTrial.node)
        let result = try await FerryProcess.run(["exec", "--", node, "--test", test])
        #expect(result.status == 0, "\(result.output)\(result.errors)")
    }
}

private enum ExecTrial {
    static let node = ["/usr/local/bin/node", "/usr/bin/node"].first(where: FileManager.default.isExecutableFile)
}
