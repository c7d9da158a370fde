import ArgumentParser
import Integrations

/// How a command is told that its workspace is to speak TLS.
struct TLSOptions: ParsableArguments {
    @Flag(help: "Speak TLS to whoever calls the workspace, with a certificate that Ferry makes.")
    var tlsSelfSigned = false

    @Option(help: "Speak TLS with the certificate in this file, in PEM.")
    var tlsCertificate: String?

    @Option(help: "The private key of --tls-certificate, in PEM and without a passphrase.")
    var tlsKey: String?

    func validate() throws {
        guard (tlsCertificate == nil) == (tlsKey == nil) else {
            throw ValidationError("--tls-certificate and --tls-key go together")
        }
        guard !tlsSelfSigned || tlsCertificate == nil else {
            throw ValidationError("--tls-self-signed makes a certificate; --tls-certificate names one")
        }
    }

    /// `nil` where nothing was said.
    var wish: Configuration.PrivateTLS? {
        if let tlsCertificate, let tlsKey { return .files(certificate: tlsCertificate, key: tlsKey) }
        return tlsSelfSigned ? .selfSigned : nil
    }
}
