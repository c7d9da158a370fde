import LosslessJSON
import Yams

extension JSON {
    /// As YAML that `YAMLReader` reads back as the same value: the keys in their order, a line for each value.
    ///
    /// A text that the reader would take for a number, a truth value or nothing is quoted; one of several lines stands in
    /// a block, as people write it.
    var yaml: String {
        // Yams can fail to write only what stands in no JSON: anchors, tags, other encodings.
        (try? Yams.serialize(node: node, width: -1, allowUnicode: true)) ?? "\(self)\n"
    }

    private var node: Node {
        switch self {
        case .null: .plain("null")
        case .bool(let value): .plain(value ? "true" : "false")
        case .number: .plain(description)
        case .string(let text): .text(text)
        case .array(let items): .sequence(.init(items.map(\.node)))
        case .object(let object):
            .mapping(.init(object.map { (Node.text($0.key), $0.value.node) }))
        }
    }
}

extension Node {
    fileprivate static func plain(_ text: String) -> Node {
        .scalar(.init(text, .implicit, .plain))
    }

    fileprivate static func text(_ text: String) -> Node {
        .scalar(.init(text, Tag(.str), style(of: text)))
    }

    private static func style(of text: String) -> Scalar.Style {
        let reservedWords = ["", "~", "null", "Null", "NULL", "true", "True", "TRUE", "false", "False", "FALSE"]
        if reservedWords.contains(text) || JSON.Number(text) != nil { return .singleQuoted }
        // The emitter writes other line ends, and spaces before one, in double quotes by itself.
        return text.contains("\n") ? .literal : .any
    }
}
