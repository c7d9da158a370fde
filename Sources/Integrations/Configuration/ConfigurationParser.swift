import Diagnostics
import LosslessJSON
import TrackAPI
import Yams

extension Configuration {
    /// Reads a configuration file.
    ///
    /// - Parameters:
    ///   - text: what is in it.
    ///   - file: what messages call it.
    ///   - knownSources: sources that integrations may name beside those of the text; `nil` for any.
    /// - Throws: `ConfigurationError` with every mistake in it, not only the first.
    package init(parsing text: String, file: String, knownSources: [String]? = []) throws(ConfigurationError) {
        var parser = ConfigurationParser(reader: YAMLReader(file: file, text: text), knownSources: knownSources)
        self = try parser.parse()
    }
}

/// Turns the sections of `ferry.yaml` into a `Configuration`. Sections of integrations are in extensions.
struct ConfigurationParser {
    var reader: YAMLReader
    private(set) var configuration = Configuration()
    /// Sources of elsewhere that integrations may name; `nil` for any.
    let knownSources: [String]?

    /// The top-level keys. Integrations name sources, and tests name integrations, wherever these stand in the file: so
    /// they are read in this order.
    static let sections = [
        "listen", "data", "folder", "spool", "spool_size", "retention", "log", "admin_token", "limits", "sources",
        "integrations", "workspaces", "workspace_settings", "create_on_first_use", "tests",
    ]

    init(reader: YAMLReader, knownSources: [String]?) {
        self.reader = reader
        self.knownSources = knownSources
    }

    mutating func parse() throws(ConfigurationError) -> Configuration {
        if let root = reader.compose(), !YAMLReader.isNull(root),
            let sections = reader.mapping(root, "the configuration")
        {
            configuration.sections = sections.map(\.name)
            for section in sections where !Self.sections.contains(section.name) {
                reader.noteUnknown(section.key, "key", section.name, among: Self.sections)
            }
            for name in Self.sections {
                for section in sections where section.name == name { read(section.value, as: name) }
            }
        }
        let problems = reader.problems.sorted { ($0.line, $0.column) < ($1.line, $1.column) }
        guard problems.isEmpty else { throw ConfigurationError(problems: problems) }
        return configuration
    }

    private mutating func read(_ node: Node, as section: String) {
        switch section {
        case "listen": readListen(node)
        case "data": readData(node)
        case "folder": if let folder = reader.string(node, "`folder`") { configuration.folder = folder }
        case "spool": if let isOn = reader.bool(node, "`spool`") { configuration.spool.isOn = isOn }
        case "spool_size": readSpoolSize(node)
        case "retention": readRetention(node)
        case "log": readLog(node)
        case "limits": readLimits(node)
        case "admin_token":
            if let text = reader.string(node, "`admin_token`") { configuration.adminToken = SecretReference(text) }
        case "sources": readSources(node)
        case "integrations": readIntegrations(node)
        case "workspaces": readWorkspaces(node)
        case "workspace_settings": configuration.workspaceSettings = workspaceSettings(node, section)
        case "create_on_first_use":
            if let creates = reader.bool(node, "`create_on_first_use`") { configuration.createsWorkspaces = creates }
        default: readTests(node)
        }
    }

    /// Calls `read` for each known key of a mapping and notes the unknown ones. Says which keys there are, right or wrong,
    /// so that nobody misses what has been told already; `nil` for what is no mapping.
    @discardableResult
    mutating func readKeys(
        of node: Node,
        _ what: String,
        known: [String],
        read: (inout ConfigurationParser, _ name: String, _ value: Node) -> Void
    ) -> Set<String>? {
        guard let entries = reader.mapping(node, what) else { return nil }
        for entry in entries {
            if known.contains(entry.name) {
                read(&self, entry.name, entry.value)
            } else {
                reader.noteUnknown(entry.key, "key", entry.name, among: known)
            }
        }
        return Set(entries.map(\.name))
    }

    /// Whether somebody can be called this: names stand in lists, logs and paths, on a line of their own.
    mutating func isName(_ name: String, of what: String, _ node: Node) -> Bool {
        guard !name.isEmpty else {
            reader.note(node, "\(what) needs a name")
            return false
        }
        guard name.fitsOnLine else {
            reader.note(node, "the name of \(what) can't have line breaks or control characters")
            return false
        }
        return true
    }

    // MARK: listen, data, spool, retention, log, limits

    private mutating func readListen(_ node: Node) {
        readKeys(of: node, "`listen`", known: ["public", "private", "private_tls"]) { parser, name, value in
            if name == "private_tls" { return parser.readPrivateTLS(value) }
            guard let text = parser.reader.string(value, "`\(name)`") else { return }
            guard let address = Configuration.Address(text) else {
                parser.reader.note(value, "`\(text)` is not an address", "write HOST:PORT, for example 127.0.0.1:8080")
                return
            }
            if name == "public" {
                parser.configuration.publicAddress = address
            } else {
                parser.configuration.privateAddress = address
            }
        }
    }

    /// `self-signed`, or both files.
    private mutating func readPrivateTLS(_ node: Node) {
        if case .scalar(let scalar) = node, scalar.string == "self-signed" {
            configuration.privateTLS = .selfSigned
            return
        }
        guard case .mapping = node else {
            reader.note(
                node,
                "`private_tls` is neither a certificate nor a wish for one",
                "write self-signed, or { certificate: FILE, key: FILE }"
            )
            return
        }
        var files: [String: String] = [:]
        let names = ["certificate", "key"]
        guard
            let read = readKeys(
                of: node,
                "`private_tls`",
                known: names,
                read: { parser, name, value in files[name] = parser.reader.string(value, "`\(name)`") }
            )
        else { return }
        for name in names where !read.contains(name) {
            reader.note(node, "`private_tls` has no `\(name)`", "add `\(name): FILE`, in PEM")
        }
        guard let certificate = files["certificate"], let key = files["key"] else { return }
        configuration.privateTLS = .files(certificate: certificate, key: key)
    }

    private mutating func readData(_ node: Node) {
        guard let text = reader.string(node, "`data`") else { return }
        configuration.data = Configuration.DataLocation(text)
    }

    private mutating func readRetention(_ node: Node) {
        readKeys(of: node, "`retention`", known: ["days", "size", "drop_unsettled"]) { parser, name, value in
            switch name {
            case "days":
                if let days = parser.reader.int(value, "`days`", in: 1...3650) {
                    parser.configuration.retention.days = days
                }
            case "size":
                if let bytes = parser.size(value, "`size`") { parser.configuration.retention.bytes = bytes }
            default:
                if let drops = parser.reader.bool(value, "`drop_unsettled`") {
                    parser.configuration.retention.dropUnsettled = drops
                }
            }
        }
    }

    private mutating func readLimits(_ node: Node) {
        readKeys(of: node, "`limits`", known: ["body_size", "message_size", "batch_messages"]) { parser, name, value in
            switch name {
            case "body_size":
                let bytes = parser.size(value, "`body_size`", from: ("100KB", 100_000), to: ("32MB", 32_000_000))
                if let bytes { parser.configuration.limits.bodyBytes = Int(bytes) }
            case "message_size":
                let bytes = parser.size(value, "`message_size`", from: ("32KB", 32_000), to: ("1MB", 1_000_000))
                if let bytes { parser.configuration.limits.messageBytes = Int(bytes) }
            default:
                if let messages = parser.reader.int(value, "`batch_messages`", in: 1...10_000) {
                    parser.configuration.limits.batchMessages = messages
                }
            }
        }
    }

    private mutating func readSpoolSize(_ node: Node) {
        guard let bytes = size(node, "`spool_size`") else { return }
        guard bytes >= 10_000_000 else {
            reader.note(node, "`spool_size` must be 10MB or more")
            return
        }
        configuration.spool.bytes = bytes
    }

    /// `20GB` as bytes.
    private mutating func size(_ node: Node, _ what: String) -> Int64? {
        guard let text = reader.string(node, what) else { return nil }
        guard let bytes = Self.bytes(text) else {
            reader.note(node, "`\(text)` is not a size", "write a number with KB, MB, GB or TB: 20GB")
            return nil
        }
        return bytes
    }

    /// The same within bounds.
    private mutating func size(
        _ node: Node,
        _ what: String,
        from least: (text: String, bytes: Int64),
        to most: (text: String, bytes: Int64)
    ) -> Int64? {
        guard let bytes = size(node, what) else { return nil }
        guard least.bytes...most.bytes ~= bytes else {
            reader.note(node, "\(what) must be from \(least.text) to \(most.text)")
            return nil
        }
        return bytes
    }

    private mutating func readLog(_ node: Node) {
        readKeys(of: node, "`log`", known: ["format", "slow_statement_ms"]) { parser, name, value in
            switch name {
            case "format":
                guard let text = parser.reader.string(value, "`format`") else { return }
                guard let format = Configuration.LogFormat(rawValue: text) else {
                    parser.reader.note(value, "`\(text)` is no format of the log", "write text or json")
                    return
                }
                parser.configuration.log.format = format
            default:
                if let milliseconds = parser.reader.int(value, "`slow_statement_ms`", in: 1...3_600_000) {
                    parser.configuration.log.slowStatementMilliseconds = milliseconds
                }
            }
        }
    }

    /// `20GB` as bytes; the units are powers of ten.
    private static func bytes(_ text: String) -> Int64? {
        let digits = text.prefix { $0.isASCII && $0.isNumber }
        let unit = text[digits.endIndex...].drop { $0 == " " }.uppercased()
        let factors: [String: Int64] = [
            "": 1, "B": 1, "KB": 1000, "MB": 1_000_000, "GB": 1_000_000_000, "TB": 1_000_000_000_000,
        ]
        guard let number = Int64(digits), number > 0, let factor = factors[unit] else { return nil }
        let (bytes, overflow) = number.multipliedReportingOverflow(by: factor)
        return overflow ? nil : bytes
    }

    // MARK: sources

    private mutating func readSources(_ node: Node) {
        guard let entries = reader.mapping(node, "`sources`") else { return }
        for entry in entries {
            var keys: [String: SecretReference] = [:]
            var isEnabled = true
            let known = ["write_key", "old_write_key", "enabled"]
            let read = readKeys(of: entry.value, "a source", known: known) { parser, name, value in
                if name == "enabled" {
                    isEnabled = parser.reader.bool(value, "`enabled`") ?? true
                } else {
                    keys[name] = parser.reader.string(value, "`\(name)`").map(SecretReference.init)
                }
            }
            guard isName(entry.name, of: "a source", entry.key) else { continue }
            guard !entry.name.hasPrefix("(") else {
                reader.note(entry.key, "the name of a source can't begin with `(`: these are Ferry's own")
                continue
            }
            guard let key = keys["write_key"] else {
                if let read, !read.contains("write_key") {
                    reader.note(entry.key, "the source `\(entry.name)` has no `write_key`", "add `write_key: env:NAME`")
                }
                continue
            }
            add(
                Configuration.Source(
                    name: entry.name,
                    writeKey: key,
                    oldWriteKey: keys["old_write_key"],
                    isEnabled: isEnabled
                ),
                entry.key
            )
        }
    }

    /// A key that two sources have would give the messages of one to the other.
    private mutating func add(_ source: Configuration.Source, _ node: Node) {
        for case .literal(let key) in source.writeKeys {
            let twin = configuration.sources.first { $0.writeKeys.contains(.literal(key)) }
            guard let twin else { continue }
            reader.note(node, "the sources `\(twin.name)` and `\(source.name)` have the same write key")
        }
        configuration.sources.append(source)
    }

    // MARK: integrations

    private mutating func readIntegrations(_ node: Node) {
        guard let entries = reader.mapping(node, "`integrations`") else { return }
        for entry in entries {
            guard isName(entry.name, of: "an integration", entry.key) else { continue }
            if let integration = integration(named: entry.name, entry.key, entry.value) {
                configuration.integrations.append(integration)
            }
        }
    }

    mutating func append(_ workspace: Configuration.Workspace) {
        configuration.workspaces.append(workspace)
    }

    mutating func add(_ test: Configuration.TestCase) {
        configuration.tests.append(test)
    }
}

extension Configuration.DataLocation {
    /// `memory`, the URL of a PostgreSQL database, `env:NAME` or `file:PATH` for one, or a folder.
    package init(_ text: String) {
        if text == "memory" {
            self = .memory
        } else if ["postgresql:", "postgres:", "env:", "file:"].contains(where: text.hasPrefix) {
            self = .database(SecretReference(text))
        } else {
            self = .folder(text)
        }
    }
}
