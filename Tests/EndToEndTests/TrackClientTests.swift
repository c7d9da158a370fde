import Foundation
import LosslessJSON
import Testing

/// Customer.io's Python client for the Track API, unmodified, against the embedded workspace of the real program: over
/// TLS, since it speaks nothing else, with a certificate that Ferry makes (track-api.md §21).
@Suite(.enabled(if: TrackClient.isExpected, "needs scripts/setup tests"), .timeLimit(.minutes(3)))
struct `Python client of the Track API` {
    private static let configuration = """
        listen: { private_tls: self-signed }
        sources: { app: { write_key: ferry-local } }
        integrations:
          default:
            type: customerio
            sources: [app]
            settings: { endpoint: workspace, site_id: site-1, api_key: key-1 }
        """

    @Test func `every method does what it says`() async throws {
        let folder = try ScratchFolder()
        let ferry = try await RunningFerry(
            data: folder.url.appending(path: "data").path,
            config: try folder.file("ferry.yaml", Self.configuration)
        )
        #expect(ferry.privateURL.hasPrefix("https://"))
        let person = "people/py%2F1%20+%C3%A9"
        let report = try await TrackClient.run(
            ferry,
            paths: [person, "\(person)/activity", "people", "people/batched/activity", "activity"]
        )
        #expect(report["uncalled"] == [])
        let refusals = try #require(report["refusals"]?.objectValue)
        #expect(refusals.map(\.key) == ["blank name", "long value", "stranger"])
        #expect(refusals["blank name"]?.stringValue?.hasPrefix("400: ") == true)
        #expect(refusals["blank name"]?.stringValue?.contains("event name must not be blank") == true)
        #expect(refusals["long value"]?.stringValue?.contains("value for attribute 'a'") == true)
        #expect(refusals["stranger"]?.stringValue?.contains(#"{"meta":{"error":"Unauthorized request"}}"#) == true)
        let statuses = try #require(report["statuses"]?.objectValue)
        #expect(statuses.count == 22)
        for call in statuses { #expect(call.value == (call.key == "batch with a mistake" ? 207 : 200), "\(call.key)") }
        try expectPeople(report)
        let activity = report["read"]?["\(person)/activity"]
        #expect(names(activity) == ["bought", "looked", "https://shop.example/tea", "signed up"])
        #expect(names(report["read"]?["people/batched/activity"]) == ["in a batch", "in a batch"])
        let everything = names(report["read"]?["activity"])
        #expect(everything.contains("invited"))
    }

    private func expectPeople(_ report: JSON) throws {
        let people = try #require(report["read"]?["people"]?["items"]?.arrayValue)
        #expect(people.compactMap { $0["identifiers"]?["id"]?.stringValue } == ["py/1 +é", "free", "batched"])
        let person = try #require(people.first)
        #expect(person["identifiers"]?["email"] == "py@example.com")
        // NaN arrives as null, which removes; the merge brought the colour and left the plan.
        #expect(
            person["attributes"]
                == ["plan": "pro", "seen": 1_767_225_600, "anonymous_id": "anon-1", "colour": "red"]
        )
        let device: JSON = [
            "token": "tok/1", "platform": "ios", "last_used": 1_700_000_000, "attributes": ["app_version": "2"],
        ]
        #expect(person["devices"] == [device])
    }

    /// The names of events and pages, the oldest first.
    private func names(_ page: JSON?) -> [String] {
        (page?["items"]?.arrayValue ?? []).reversed().compactMap { $0["name"]?.stringValue ?? $0["url"]?.stringValue }
    }

    /// What Ferry sends to its own workspace goes over the same listener.
    @Test(arguments: ["data", nil])
    func `events reach a workspace that speaks TLS`(data: String?) async throws {
        let folder = try ScratchFolder()
        let ferry = try await RunningFerry(
            data: data.map { folder.url.appending(path: $0).path } ?? "memory",
            config: try folder.file("ferry.yaml", Self.configuration)
        )
        #expect(try await ferry.post("/v1/identify", ["userId": "u1", "traits": ["plan": "pro"]]).status == 200)
        var person: JSON?
        while person?["attributes"]?["plan"] != "pro" {
            person = try await TrackClient.run(ferry, paths: ["people/u1"])["read"]?["people/u1"]
        }
        let certificate = try #require(ferry.privateCertificate)
        let status = try await FerryProcess.run(["status", "--url", ferry.privateURL, "--certificate", certificate])
        #expect(status.status == 0, "\(status.errors)")
        #expect(try await FerryProcess.run(["status", "--url", ferry.privateURL]).status != 0)
        if data == nil {
            #expect(ferry.stop() == 0)
            #expect(!FileManager.default.fileExists(atPath: certificate))
        }
    }

    @Test func `the certificate is the owner's alone, and stays`() async throws {
        let folder = try ScratchFolder()
        let data = folder.url.appending(path: "data")
        let config = try folder.file("ferry.yaml", Self.configuration)
        var first: Data?
        for _ in 1...2 {
            let ferry = try await RunningFerry(data: data.path, config: config)
            let certificate = try #require(ferry.privateCertificate)
            #expect(certificate == data.appending(path: "private-tls/certificate.pem").path)
            for name in ["certificate.pem", "key.pem"] {
                let path = data.appending(path: "private-tls/\(name)").path
                let attributes = try FileManager.default.attributesOfItem(atPath: path)
                #expect(attributes[.posixPermissions] as? Int == 0o600)
            }
            let shown = try Data(contentsOf: URL(filePath: certificate))
            #expect(first == nil || first == shown)
            first = shown
            #expect(ferry.stop() == 0)
        }
        let files = "{ certificate: \(data.path)/private-tls/key.pem, key: \(data.path)/private-tls/key.pem }"
        let wrong = try folder.file("wrong.yaml", Self.configuration.replacing("self-signed", with: files))
        let result = try await FerryProcess.run([
            "serve", "--data", "memory", "--config", wrong, "--listen-private", "127.0.0.1:0",
        ])
        #expect(result.status == 1 && result.errors.contains("is no file with certificates in PEM"))
    }
}

private enum TrackClient {
    /// Beside the SDKs' environment, since two packages claim the name `customerio`.
    static let packages = PythonSDK.python.deletingLastPathComponent().appending(path: "../track").standardizedFileURL

    static var isExpected: Bool {
        FileManager.default.fileExists(atPath: packages.path) || ProcessInfo.processInfo.environment["CI"] != nil
    }

    /// Makes all calls, reads these paths, and returns what the script prints.
    static func run(_ ferry: RunningFerry, paths: [String]) async throws -> JSON {
        let certificate = try #require(ferry.privateCertificate)
        let result = try await FerryProcess.run(
            [try PythonSDK.script("track.py"), ferry.privateURL, "site-1", "key-1"] + paths,
            program: PythonSDK.python,
            environment: ["PYTHONPATH": packages.path, "REQUESTS_CA_BUNDLE": certificate]
        )
        #expect(result.status == 0, "\(result.errors)")
        return try JSON(parsing: Array(result.output.utf8))
    }
}
