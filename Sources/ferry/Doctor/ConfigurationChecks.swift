import Integrations
import Server

/// Whether the configuration is one that a server starts with.
struct ConfigurationChecks {
    private(set) var findings: [Finding] = []

    init(_ configuration: Configuration, file: String?) {
        findings.append(.ok("configuration", file ?? "none: the embedded default holds"))
        if file != nil { checkSecrets(of: configuration) }
        if let token = configuration.adminToken {
            check(token, of: "admin_token")
        } else if !ListenAddress(configuration.privateAddress).isLoopback {
            findings.append(
                .fault(
                    "configuration",
                    "the private listener \(configuration.privateAddress) is reached by other machines, without a token",
                    "set admin_token, or listen on 127.0.0.1"
                )
            )
        }
        if case .files(let certificate, let key)? = configuration.privateTLS {
            do {
                _ = try ListenerTLS(certificate: certificate, key: key)
                findings.append(.ok("certificate", certificate))
            } catch {
                findings.append(.fault("certificate", error.description, "mend listen.private_tls"))
            }
        }
    }

    private mutating func checkSecrets(of configuration: Configuration) {
        for source in configuration.sources {
            for key in source.writeKeys { check(key, of: "the source \(source.name)") }
        }
        for integration in configuration.integrations where integration.isEnabled {
            for secret in [integration.settings.siteId, integration.settings.apiKey].compactMap(\.self) {
                check(secret, of: "the integration \(integration.name)")
            }
        }
    }

    private mutating func check(_ secret: SecretReference, of owner: String) {
        do {
            _ = try secret.resolved()
        } catch {
            let help = "give it to the server: it does not start, or not with this, without"
            findings.append(.fault("secret", "\(owner): \(error)", help))
        }
    }
}

extension ListenAddress {
    init(_ address: Configuration.Address) {
        self.init(host: address.host, port: address.port)
    }
}
