package import LosslessJSON

extension Mapping {
    /// A standard definition in the short forms of configuration files, as a person would write it there: compiled as
    /// `short` it makes the same of every event.
    ///
    /// What is no valid definition stays as invalid as it was.
    package static func shortForm(of definition: JSON) -> JSON {
        switch definition {
        case .null, .bool, .number: definition
        case .string(let text): text.isReadShort ? ["@literal": definition] : definition
        case .array(let items): .array(items.map(shortForm))
        case .object(let object) where object.isDirective: shortForm(ofDirective: object)
        case .object(let object): .object(object.compactMapValues(shortForm))
        }
    }

    private static func shortForm(ofDirective object: JSON.Object) -> JSON {
        let directive = directive(object)
        guard directive.count == 1, let member = directive.members.first else { return .object(directive) }
        switch (DirectiveName(rawValue: member.key), member.value) {
        case (.literal, let value): return shortForm(of: value)
        case (.path, .string(let path)): return shortPath(path).map(JSON.string) ?? .object(directive)
        case (.template, .string(let text)) where !text.utf8.starts(with: "$.".utf8): return .string(text)
        default: return .object(directive)
        }
    }

    /// The path behind `$.`, unless that would read as another one.
    private static func shortPath(_ path: String) -> String? {
        if path.utf8.starts(with: "$.".utf8) { return path }
        return path.contains("$.") || path.hasSameBytes(as: "$") ? nil : "$." + path
    }

    /// A directive with the values in it in short form; itself it stays one, for places that take no other.
    private static func directive(_ object: JSON.Object) -> JSON.Object {
        var result = JSON.Object()
        for member in object where !member.key.isMetadata {
            result.append(member.key, argument(member.value, of: DirectiveName(rawValue: member.key)))
        }
        return result
    }

    private static func argument(_ argument: JSON, of directive: DirectiveName?) -> JSON {
        switch (directive, argument) {
        case (.literal, _), (.liquid, _), (nil, _): argument
        case (.excludeWhenNull, _): shortForm(of: argument)
        case (.arrayPath, .array(let items)): .array(arrayPath(items))
        case (_, .object(let arguments)) where !arguments.isDirective: .object(self.arguments(arguments))
        default: text(argument)
        }
    }

    /// The path stays a text; a shape that is no object is none, which in short form would be a value.
    private static func arrayPath(_ items: [JSON]) -> [JSON] {
        guard let path = items.first else { return items }
        guard items.count == 2, let shape = items.last else { return [text(path)] + items.dropFirst() }
        return shape.objectValue == nil ? [text(path)] : [text(path), shortForm(of: shape)]
    }

    /// The named arguments: those that are values, and those that are texts by nature.
    private static func arguments(_ arguments: JSON.Object) -> JSON.Object {
        let values = ["exists", "blank", "then", "else", "value", "objects", "apply", "mapping"]
        var result = JSON.Object()
        for member in arguments where !member.key.isMetadata {
            let isValue = values.contains { $0.hasSameBytes(as: member.key) }
            result.append(member.key, isValue ? shortForm(of: member.value) : text(member.value))
        }
        return result
    }

    /// An argument that is a text by nature: written out, or given by a directive.
    private static func text(_ argument: JSON) -> JSON {
        guard let object = argument.objectValue, object.isDirective else { return argument }
        return .object(directive(object))
    }
}

extension String {
    /// Whether a configuration file would read this plain text as a path or a template.
    fileprivate var isReadShort: Bool {
        utf8.starts(with: "$.".utf8) || Template(self).hasPlaceholders
    }
}
