import AsyncHTTPClient
import Integrations
import Logging
import LosslessJSON
import TrackAPI

/// Whether the destinations are reached, over TLS where they speak it, and know the credentials. Nothing is sent or changed.
struct DestinationChecks {
    private(set) var findings: [Finding] = []

    /// - Parameters:
    ///   - configuration: whose integrations are asked about where no server answers.
    ///   - server: knows all integrations, those in the data too, and asks for itself.
    init(_ configuration: Configuration, server: AdminClient?) async {
        if let server {
            await ask(server)
        } else {
            await check(configuration)
        }
    }

    private mutating func ask(_ server: AdminClient) async {
        do {
            let items = try await server.get("/admin/v1/integrations")["items"]?.arrayValue ?? []
            for item in items {
                guard let name = item["name"]?.stringValue else { continue }
                let check = try await server.post("\(AdminClient.path(ofIntegration: name))/check", [:])
                let words = check["words"]?.stringValue ?? ""
                add(name, isGood: check["state"] == "valid", words)
                if let health = item["health"]?["words"]?.stringValue,
                    ["paused", "unreachable", "stopped"].contains(item["health"]?["state"]?.stringValue)
                {
                    findings.append(.warning("delivery", "\(name): \(health)", "ferry status says more"))
                }
            }
        } catch {
            findings.append(.fault("integration", "\(error)", "set admin_token in the file, or FERRY_ADMIN_TOKEN"))
        }
    }

    private mutating func check(_ configuration: Configuration) async {
        for integration in configuration.integrations {
            guard integration.isEnabled else {
                findings.append(.skipped("integration", "\(integration.name): it is switched off"))
                continue
            }
            let endpoint: Endpoint
            switch integration.settings.destination {
            case .workspace:
                findings.append(.ok("integration", "\(integration.name): the embedded workspace"))
                continue
            case .region(let region): endpoint = Endpoint(region: region)
            case .endpoint(let other): endpoint = other
            }
            guard let siteId = try? integration.settings.siteId?.resolved(),
                let apiKey = try? integration.settings.apiKey?.resolved()
            else {
                findings.append(.skipped("integration", "\(integration.name): its credentials are not here"))
                continue
            }
            let client = TrackClient(
                httpClient: .ofCommands,
                endpoint: endpoint,
                credentials: Credentials(siteId: siteId, apiKey: apiKey),
                timeout: .seconds(15),
                logger: Logger(label: "ferry.doctor") { _ in SwiftLogNoOpLogHandler() }
            )
            switch await client.checkCredentials() {
            case .valid(_, _, let note?):
                findings.append(.warning("integration", "\(integration.name): \(note)", "set account_region"))
            case .valid:
                add(integration.name, isGood: true, "\(endpoint) knows the credentials")
            case .refused(let words), .unreachable(let words), .unexpected(let words):
                add(integration.name, isGood: false, words)
            }
        }
    }

    private mutating func add(_ name: String, isGood: Bool, _ words: String) {
        findings.append(
            isGood
                ? .ok("integration", "\(name): \(words)")
                : .fault(
                    "integration",
                    "\(name): \(words)",
                    "check its credentials, region and endpoint, and the way there; what is for it waits in the log"
                )
        )
    }
}
