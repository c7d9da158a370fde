package import LosslessJSON

/// What somebody wrote of an integration: the text that a revision keeps, an export prints and a difference compares.
package struct IntegrationDefinition: Sendable, Equatable {
    /// A setting whose value nobody is to read.
    package enum Secret: String, Sendable, CaseIterable {
        case siteId = "site_id"
        case apiKey = "api_key"

        /// The variable that stands for a value which was written into the text itself: exports show no secrets
        /// (design.md, "What is stored").
        package func placeholder(for integration: String) -> String {
            let name = integration.uppercased().map { $0.isASCII && ($0.isLetter || $0.isNumber) ? $0 : "_" }
            return "FERRY_\(String(name))_\(rawValue.uppercased())"
        }
    }

    /// The integration's key in the text.
    package let name: String
    /// Its section, in the order in which it was written, without secrets and without `revision`.
    package let section: JSON.Object
    /// Secrets that stood in the text itself.
    package let literals: [Secret: SecretReference]
    /// The revision that the text says it was exported from.
    package let base: Int64?

    /// The section as YAML.
    package var yaml: String { JSON.object(section).yaml }

    /// The secrets for which the section has placeholders.
    package var placeholders: [Secret] {
        Secret.allCases.filter { secret in
            section["settings"]?[secret.rawValue]?.stringValue == "env:\(secret.placeholder(for: name))"
        }
    }

    /// A definition from its section as it was read.
    init(name: String, section: JSON.Object) {
        var section = section
        var literals: [Secret: SecretReference] = [:]
        if case .object(var settings)? = section["settings"] {
            for secret in Secret.allCases {
                guard let text = settings[secret.rawValue]?.scalarText, case .literal = SecretReference(text) else {
                    continue
                }
                literals[secret] = .literal(text)
                settings[secret.rawValue] = .string("env:\(secret.placeholder(for: name))")
            }
            section["settings"] = .object(settings)
        }
        base = section["revision"]?.numberValue?.int64
        section["revision"] = nil
        self.name = name
        self.section = section
        self.literals = literals
    }

    /// An integration from the YAML of its section, as a revision keeps it. Which sources there are may have changed since
    /// it was written.
    ///
    /// - Throws: `ConfigurationError`, which calls the text `file`.
    package static func compile(
        _ yaml: String,
        named name: String,
        file: String
    ) throws(ConfigurationError) -> Integration {
        let indented = yaml.split(separator: "\n", omittingEmptySubsequences: false)
            .map { $0.isEmpty ? "" : "    \($0)" }.joined(separator: "\n")
        let key = JSON.object([name: .null]).yaml.dropLast("null\n".utf8.count)
        let text = "integrations:\n  \(key)\n\(indented)\n"
        let configuration = try Configuration(parsing: text, file: file, knownSources: nil)
        guard let integration = configuration.integrations.first else {
            throw ConfigurationError(file: file, message: "there is no integration in it")
        }
        return integration
    }

    /// Several of them as a configuration that can be applied: each says which revision it is.
    package static func export(_ definitions: [(definition: IntegrationDefinition, revision: Int64)]) -> String {
        var integrations = JSON.Object()
        for (definition, revision) in definitions {
            var section = definition.section
            section["revision"] = .number(JSON.Number(revision))
            integrations.append(definition.name, .object(section))
        }
        return JSON.object(["integrations": .object(integrations)]).yaml
    }
}

extension JSON {
    /// A single value as it stood in the file; `nil` for nothing, and for what holds others.
    fileprivate var scalarText: String? {
        switch self {
        case .string(let text): text
        case .number, .bool: description
        case .null, .array, .object: nil
        }
    }
}
