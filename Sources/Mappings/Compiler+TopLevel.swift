import LosslessJSON

extension Compiler {
    private static let reservedPrefix = "__segment_internal_"
    private static let wrappingKey = "__segment_internal_directive"

    /// A whole definition.
    ///
    /// Reserved top-level keys are no fields (source-api.md §5.4). The one that holds a `@transform` takes all fields
    /// as its `mapping`; the rest set modes of the action and give no output.
    mutating func mapping(_ definition: JSON, _ dialect: Mapping.Dialect) -> Expression {
        guard let object = definition.objectValue else { return expression(definition, at: .root, dialect) }
        let fields = object.removing { $0.utf8.starts(with: Self.reservedPrefix.utf8) }
        let mapping = expression(.object(fields), at: .root, dialect)
        guard let wrapper = object[Self.wrappingKey] else { return mapping }
        return wrapped(mapping, in: wrapper, dialect)
    }

    private mutating func wrapped(
        _ mapping: Expression,
        in wrapper: JSON,
        _ dialect: Mapping.Dialect
    ) -> Expression {
        let place = Place.root.appending(Self.wrappingKey)
        let name = DirectiveName.transform.rawValue
        let isOneTransform = wrapper.objectValue?.allSatisfy { $0.key.isMetadata || $0.key.hasSameBytes(as: name) }
        guard isOneTransform == true, let argument = wrapper[name] else {
            refuse(place, "must hold one @transform")
            return .placeholder
        }
        let inner = place.appending(name)
        let names = Transform.argumentNames
        guard let arguments = arguments(argument, named: names, at: inner, dialect) else { return .placeholder }
        let apply = requiredObject("apply", in: arguments)
        return .directive(
            Transform(
                apply: apply,
                applyPlace: inner.appending("apply"),
                mapping: mapping,
                mappingPlace: .root
            )
        )
    }
}
