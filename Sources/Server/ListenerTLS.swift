import NIOSSL

/// The certificate of a listener and its key: with them it speaks TLS, and nothing else.
package struct ListenerTLS: Sendable {
    let configuration: TLSConfiguration

    /// Reads both PEM files.
    ///
    /// - Parameters:
    ///   - certificate: The certificate, and behind it those that lead to one that clients trust.
    ///   - key: Its private key, without a passphrase.
    /// - Throws: `ListenerError` with the code `badCertificate`.
    package init(certificate: String, key: String) throws(ListenerError) {
        let chain: [NIOSSLCertificate]
        let privateKey: NIOSSLPrivateKey
        do {
            chain = try NIOSSLCertificate.fromPEMFile(certificate)
        } catch {
            throw ListenerError(.badCertificate, "\(certificate) is no file with certificates in PEM")
        }
        do {
            privateKey = try NIOSSLPrivateKey(file: key, format: .pem)
        } catch {
            throw ListenerError(.badCertificate, "\(key) is no file with a private key in PEM that needs no passphrase")
        }
        configuration = TLSConfiguration.makeServerConfiguration(
            certificateChain: chain.map { .certificate($0) },
            privateKey: .privateKey(privateKey)
        )
        do {
            _ = try NIOSSLContext(configuration: configuration)
        } catch {
            throw ListenerError(.badCertificate, "the key in \(key) is not that of the certificate in \(certificate)")
        }
    }
}
