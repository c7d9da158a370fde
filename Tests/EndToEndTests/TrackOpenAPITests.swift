import AsyncHTTPClient
import Foundation
import LosslessJSON
import NIOCore
import Testing

/// The OpenAPI document of the Track API against a running workspace, as that of the admin API.
@Suite(.enabled(if: Schemathesis.isExpected, "needs scripts/setup tests"), .timeLimit(.minutes(3)))
struct `OpenAPI document of the Track API` {
    private static let configuration = """
        sources: { app: { write_key: ferry-local } }
        integrations:
          default: { type: customerio, settings: { endpoint: workspace, site_id: site-1, api_key: key-1 } }
        """

    private func compare(
        _ options: [String] = [],
        _ change: (String) -> String = { $0 }
    ) async throws -> (FerryProcess.Result, JSON) {
        let folder = try ScratchFolder()
        let ferry = try await RunningFerry(
            data: "memory",
            config: try folder.file("ferry.yaml", Self.configuration)
        )
        let response = try await HTTPClient.shared.execute(
            ferry.adminRequest("/admin/v1/track-openapi.yaml"),
            timeout: .seconds(20)
        )
        let document = String(buffer: try await response.body.collect(upTo: 1 << 20))
        return try await Schemathesis.compare(
            change(document),
            with: ferry.privateURL,
            authorization: "Basic \(Data("site-1:key-1".utf8).base64EncodedString())",
            options
        )
    }

    @Test func `is what a running workspace does`() async throws {
        let (result, report) = try await compare()
        #expect(result.status == 0, "\(result.output.suffix(8_000))\(result.errors.suffix(2_000))")
        let never = ["PUT /api/v1/customers", "DELETE /api/v1/customers"]
        #expect(try Schemathesis.unsuccessful(in: report).filter { !never.contains($0) } == [], "they never succeeded")
    }

    @Test(arguments: [
        (path: "/auth", right: "const: nice credentials.", wrong: "const: good credentials."),
        (path: "/auth", right: "        \"401\":", wrong: "        \"403\":"),
        (path: "/api/v1/metrics", right: "security: [{}, { basic: [] }]", wrong: "security: [{ basic: [] }]"),
        (path: "/api/v1/merge_customers", right: "const: 200 OK", wrong: "const: 200 Fine"),
        (path: "/api/v2/entity", right: "enum: [required, invalid] }", wrong: "enum: [missing] }"),
        (path: "/api/v1/events", right: "name: { type: string, min", wrong: "name: { type: string, maxLength: 3, min"),
    ])
    func `is noticed where it is wrong`(path: String, right: String, wrong: String) async throws {
        let (result, report) = try await compare(["--include-path", path]) { document in
            let changed = document.replacing(right, with: wrong)
            #expect(changed != document)
            return changed
        }
        #expect(result.status == 1 && report["failures"]?.arrayValue?.isEmpty == false, "\(result.output)")
    }
}
