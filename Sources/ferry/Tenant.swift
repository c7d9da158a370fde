import Integrations
import TrackAPI

/// An integration with its credentials in hand.
struct Tenant: Sendable {
    let integration: Integration
    let siteId: String
    let apiKey: String

    var isEmbedded: Bool { integration.settings.destination == .workspace }

    /// - Throws: `SecretReference.Missing` for a variable or file that is not there.
    init(_ integration: Integration) throws(SecretReference.Missing) {
        self.integration = integration
        let settings = integration.settings
        // Nobody else needs to know the way into an embedded workspace that names no credentials.
        siteId = try settings.siteId?.resolved() ?? Self.random()
        apiKey = try settings.apiKey?.resolved() ?? Self.random()
    }

    /// Where its Track API is.
    func endpoint(privateURL: String) throws(EndpointError) -> Endpoint {
        switch integration.settings.destination {
        case .region(let region): Endpoint(region: region)
        case .endpoint(let endpoint): endpoint
        case .workspace: try Endpoint(privateURL)
        }
    }

    private static func random() -> String {
        let number = UInt128.random(in: .min ... .max)
        return String(number, radix: 16)
    }
}
