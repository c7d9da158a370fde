package import LosslessJSON

/// What `ferry.yaml` says (design: one file, read whole or refused with every mistake in it).
package struct Configuration: Sendable {
    /// A host and a port to listen on; port 0 is any free one.
    package struct Address: Sendable, Equatable, CustomStringConvertible {
        package var host: String
        package var port: Int

        package init(host: String, port: Int) {
            self.host = host
            self.port = port
        }

        /// `HOST:PORT`, an IPv6 host in brackets.
        package init?(_ text: String) {
            guard let colon = text.lastIndex(of: ":") else { return nil }
            let digits = text[text.index(after: colon)...]
            guard digits.utf8.allSatisfy({ 0x30...0x39 ~= $0 }), let port = Int(digits), 0...65_535 ~= port else {
                return nil
            }
            var host = text[..<colon]
            if host.hasPrefix("["), host.hasSuffix("]") { host = host.dropFirst().dropLast() }
            guard !host.isEmpty else { return nil }
            self.init(host: String(host), port: port)
        }

        package var description: String {
            host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
        }
    }

    /// What the private listener shows of itself to those who speak TLS to it.
    package enum PrivateTLS: Sendable, Equatable {
        /// Made by Ferry, and kept in the data folder.
        case selfSigned
        /// PEM files.
        case files(certificate: String, key: String)
    }

    /// Where events are kept.
    package enum DataLocation: Sendable, Equatable {
        /// A folder that holds SQLite files.
        case folder(String)
        /// Nothing outlives the process.
        case memory
        /// A PostgreSQL database, by its URL: `postgresql://…`, or a reference to one, since it may hold a password.
        case database(SecretReference)
    }

    package struct Retention: Sendable, Equatable {
        package var days = 7
        package var bytes: Int64 = 20_000_000_000
        package var dropUnsettled = false

        package init() {}
    }

    /// What the source API takes at most (source-api.md §1.7).
    package struct Limits: Sendable, Equatable {
        /// Bytes of a request's body.
        package var bodyBytes = 4 << 20
        /// Bytes of one message.
        package var messageBytes = 64 << 10
        /// Messages of one batch.
        package var batchMessages = 2_500

        package init() {}
    }

    /// Whether events wait in the folder while the database of the log can't take them.
    package struct Spool: Sendable, Equatable {
        package var isOn = false
        /// Bytes that they may use.
        package var bytes: Int64 = 1_000_000_000

        package init() {}
    }

    /// How the server's log is written.
    package enum LogFormat: String, Sendable, CaseIterable {
        /// For people.
        case text
        /// A JSON object a line.
        case json
    }

    /// What the server says of itself.
    package struct Log: Sendable, Equatable {
        package var format = LogFormat.text
        /// Statements of the databases that take longer are logged and counted.
        package var slowStatementMilliseconds = 1_000

        package init() {}
    }

    package struct Source: Sendable, Equatable {
        package let name: String
        package let writeKey: SecretReference
        /// The key that the source had before, which still counts for as long as it stands here: senders change over one
        /// after the other.
        package let oldWriteKey: SecretReference?
        package let isEnabled: Bool

        package init(
            name: String,
            writeKey: SecretReference,
            oldWriteKey: SecretReference? = nil,
            isEnabled: Bool = true
        ) {
            self.name = name
            self.writeKey = writeKey
            self.oldWriteKey = oldWriteKey
            self.isEnabled = isEnabled
        }

        /// All keys by which messages of this source are known, the current one first.
        package var writeKeys: [SecretReference] { [writeKey] + [oldWriteKey].compactMap(\.self) }
    }

    /// A test that the configuration brings along: an event and what is to become of it.
    package struct TestCase: Sendable {
        /// One operation that is expected; parts that the file leaves out are not compared.
        package struct Expectation: Sendable {
            package let action: String
            package let path: String?
            package let body: JSON?
            /// The reason for which the action is expected to be ignored.
            package let ignored: String?
        }

        package let name: String
        package let integration: String
        package let event: JSON
        package let expectations: [Expectation]
        /// Where it stands in the file, from 1.
        package let line: Int
    }

    /// The top-level keys that are written, in their order.
    package internal(set) var sections: [String] = []
    package var publicAddress = Address(host: "127.0.0.1", port: 8080)
    package var privateAddress = Address(host: "127.0.0.1", port: 8081)
    /// `nil`: the private listener speaks plain HTTP.
    package var privateTLS: PrivateTLS?
    package var data = DataLocation.folder(defaultFolder)
    /// What a machine keeps by itself where the data is a database.
    package var folder = defaultFolder
    private static let defaultFolder = "./ferry-data"
    package var spool = Spool()
    package var limits = Limits()
    package var retention = Retention()
    package var log = Log()
    package var adminToken: SecretReference?
    package var sources: [Source] = []
    package var integrations: [Integration] = []
    /// Embedded workspaces beside those that integrations bring along.
    package var workspaces: [Workspace] = []
    /// How all of them behave.
    package internal(set) var workspaceSettings = WorkspaceSettings()
    /// Whether credentials that nobody knows make an embedded workspace.
    package var createsWorkspaces = false
    package var tests: [TestCase] = []

    package init() {}
}
