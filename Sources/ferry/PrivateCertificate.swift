import Foundation
import Integrations
import Server

/// The files of the private listener's certificate: somebody else's, or made here with the `openssl` command.
struct PrivateCertificate {
    let certificate: String
    let key: String
    /// Where there is no data folder, they go when Ferry stops.
    private var temporaryFolder: URL?

    /// One that is shown longer is refused by Apple's clients.
    private static let days = 825

    /// The certificate's own making failed, for this reason.
    struct Failure: Error, CustomStringConvertible {
        let description: String
    }

    /// - Throws: `Failure` when a certificate can't be made.
    init(_ tls: Configuration.PrivateTLS, folder: String?, address: ListenAddress) throws {
        switch tls {
        case .files(let certificate, let key):
            (self.certificate, self.key) = (Self.absolute(certificate).path, Self.absolute(key).path)
        case .selfSigned:
            let parent: URL
            if let folder {
                parent = Self.absolute(folder)
            } else {
                parent = FileManager.default.temporaryDirectory.appending(path: "ferry-\(UUID().uuidString)")
                temporaryFolder = parent
            }
            let folder = parent.appending(path: "private-tls")
            certificate = folder.appending(path: "certificate.pem").path
            key = folder.appending(path: "key.pem").path
            if !Self.isGood(certificate, key) { try Self.make(in: folder, for: address) }
        }
    }

    /// Whoever reads the ready file may be in another folder.
    private static func absolute(_ path: String) -> URL {
        URL(filePath: path).absoluteURL.standardizedFileURL
    }

    /// Removes what is only for this run.
    func removeTemporary() {
        if let temporaryFolder { try? FileManager.default.removeItem(at: temporaryFolder) }
    }

    /// Whether there is one already that is good for another day.
    private static func isGood(_ certificate: String, _ key: String) -> Bool {
        guard FileManager.default.fileExists(atPath: key), FileManager.default.fileExists(atPath: certificate) else {
            return false
        }
        return (try? openssl(["x509", "-checkend", "86400", "-noout", "-in", certificate])) == 0
    }

    /// Makes both in a folder beside, which then takes its place: a half-made one is never used.
    private static func make(in folder: URL, for address: ListenAddress) throws {
        let new = folder.deletingLastPathComponent().appending(path: "private-tls.new")
        let files = FileManager.default
        do {
            try? files.removeItem(at: new)
            try files.createDirectory(
                at: new,
                withIntermediateDirectories: true,
                attributes: [.posixPermissions: 0o700]
            )
            let (certificate, key) = (new.appending(path: "certificate.pem").path, new.appending(path: "key.pem").path)
            let status = try openssl([
                "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-sha256",
                "-keyout", key, "-out", certificate, "-days", "\(days)", "-subj", "/CN=Ferry, self-signed",
                "-addext", "subjectAltName=\(names(address))",
            ])
            guard status == 0 else { throw Failure(description: "openssl ended with \(status)") }
            for path in [certificate, key] {
                try files.setAttributes([.posixPermissions: 0o600], ofItemAtPath: path)
            }
            try? files.removeItem(at: folder)
            try files.moveItem(at: new, to: folder)
        } catch {
            throw Failure(
                description: """
                    a certificate for the private listener can't be made (\(error)): is the openssl command there? \
                    `private_tls` also takes { certificate: FILE, key: FILE }
                    """
            )
        }
    }

    /// Every name under which this machine reaches the listener, and the one that it is bound to.
    private static func names(_ address: ListenAddress) -> String {
        var names = ["DNS:localhost", "IP:127.0.0.1", "IP:::1"]
        let isName = !address.host.contains(":") && address.host.contains { !$0.isNumber && $0 != "." }
        let bound = "\(isName ? "DNS" : "IP"):\(address.host)"
        if !["0.0.0.0", "::"].contains(address.host), !names.contains(bound) { names.append(bound) }
        return names.joined(separator: ",")
    }

    private static func openssl(_ arguments: [String]) throws -> Int32 {
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = ["openssl"] + arguments
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = FileHandle.nullDevice
        process.standardError = FileHandle.nullDevice
        try process.run()
        process.waitUntilExit()
        return process.terminationStatus
    }
}
