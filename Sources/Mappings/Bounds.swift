import LosslessJSON

/// What a mapping may make of an event at most. Without these a small event could be blown up without end.
enum Bounds {
    /// Objects, lists and arguments inside one another in a definition.
    static let definitionDepth = 64
    /// Bytes of a text that `@template`, `@replace` or `@json` makes, and of all keys that `@flatten` makes. An event
    /// holds 64 KiB (source-api.md §1.7), so nothing honest comes near.
    static let textBytes = 4 << 20

    /// A text as a value.
    ///
    /// - Throws: `MappingError` if it is too long. One step of a mapping makes about ten times as much of what it is
    ///   given at most, so that looking at the result is soon enough.
    static func admit(_ text: String, at place: Place) throws(MappingError) -> JSON {
        guard text.utf8.count <= textBytes else {
            throw MappingError(at: place, "makes a text of more than \(textBytes) bytes")
        }
        return .string(text)
    }

    /// Levels and bytes of a text that `@json` decodes.
    static let decodedDepth = 128
    static let decodedBytes = 4 << 20
}
