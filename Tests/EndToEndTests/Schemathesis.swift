import Foundation
import LosslessJSON
import Testing

/// Schemathesis, unmodified: it holds an OpenAPI document against a running server.
enum Schemathesis {
    /// Beside the SDKs, in the environment that `scripts/setup tests` makes.
    static let program = PythonSDK.python.deletingLastPathComponent().appending(path: "schemathesis")

    /// Under CI it must be there: the tests fail without it.
    static var isExpected: Bool {
        FileManager.default.isExecutableFile(atPath: program.path) || ProcessInfo.processInfo.environment["CI"] != nil
    }

    private static let checks = [
        "not_a_server_error", "status_code_conformance", "content_type_conformance", "response_headers_conformance",
        "response_schema_conformance", "negative_data_rejection", "ignored_auth",
    ]

    /// Its words and its report. `FERRY_SEED` repeats a run.
    ///
    /// - Parameters:
    ///   - document: in YAML.
    ///   - url: of the server.
    ///   - authorization: what it shows to the server.
    ///   - options: further ones of its command line.
    /// - Returns: both.
    /// - Throws: where it can't be run, or has written no report.
    static func compare(
        _ document: String,
        with url: String,
        authorization: String,
        _ options: [String] = []
    ) async throws -> (FerryProcess.Result, JSON) {
        let seed = ProcessInfo.processInfo.environment["FERRY_SEED"].flatMap(UInt64.init) ?? 1
        print("OpenAPI document: FERRY_SEED=\(seed)")
        let folder = try ScratchFolder()
        let path = try folder.file("openapi.yaml", document)
        let report = folder.url.appending(path: "report.json")
        let result = try await FerryProcess.run(
            [
                "run", path, "--url", url, "--header", "Authorization: \(authorization)",
                "--checks", checks.joined(separator: ","), "--max-examples", "10", "--seed", "\(seed)",
                "--suppress-health-check", "all", "--request-timeout", "20", "--generation-database", "none",
                "--no-color",
                "--report", "json", "--report-json-path", report.path,
            ] + options,
            program: program,
            in: folder
        )
        let written = try? JSON(parsing: Array(try Data(contentsOf: report)))
        return (result, try #require(written, "\(result.output)\(result.errors)"))
    }

    /// The operations of a report that never succeeded: only where one did, the answer to success was compared, too.
    static func unsuccessful(in report: JSON) throws -> [String] {
        let rates = try #require(report["valid_rates"]?.objectValue)
        #expect(report["operations"]?["total"] == .number(JSON.Number(rates.count)))
        return rates.filter { operation in
            let accepted = operation.value.objectValue?.compactMap { $0.value["accepted"]?.numberValue?.int64 } ?? []
            return !accepted.contains { $0 > 0 }
        }.map(\.key)
    }
}
