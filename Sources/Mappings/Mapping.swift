package import LosslessJSON

/// Mappings: what becomes of an event's values, said in JSON.
///
/// This room compiles the mapping language of source-api.md §5 (and the short forms that configuration files use),
/// applies it to events and explains where each value came from. Values in, values out: it knows no clock, no disk, no
/// action and no field of one. Cleaning, defaults and required fields are decided by whoever asked for the mapping.
///
/// What source-api.md §5 leaves open is decided here, once:
///
/// | question | decision |
/// |---|---|
/// | an error inside a list | found when the mapping is compiled, like any other, though the reference finds it later |
/// | arguments of a directive | each may be a directive itself; its result is checked when it runs |
/// | an argument that the directive does not have | an error, except `_metadata` |
/// | the first argument of `@arrayPath`, when it is a directive | its result is the list, not a path to it |
/// | a shape of `@arrayPath` that is not an object | as if there were none |
/// | `$.` inside a quoted key | belongs to the key; elsewhere the first one is removed, wherever it stands |
/// | numbers in texts | their own text (`1.10`), where JavaScript prints the nearest double |
/// | characters of a pattern or replacement | Unicode scalars |
/// | `ignorecase` | compares scalars by their one-scalar lower case |
/// | `pattern2` of `""` | as if it were not given |
/// | `@flatten` of undefined; of an empty list under `omitArrays` | undefined; the list itself |
/// | a text that a directive makes, or the keys of `@flatten`, beyond 4 MiB | an error when it runs |
/// | `@json` decoding text deeper than 128 levels or larger than 4 MiB | the text is left as it is |
/// | top-level keys `__segment_internal_…` but `__segment_internal_directive` | left out of the output |
/// | objects, lists and arguments more than 64 levels deep | refused when the mapping is compiled |
package struct Mapping: Sendable {
    /// How plain strings of a definition are read.
    package enum Dialect: Sendable {
        /// A plain string is itself (source-api.md §5.1).
        case standard
        /// The short forms of configuration files: a string that begins with `$.` is a path, one that holds a `{{…}}` a
        /// template, any other itself.
        ///
        /// They hold wherever a value is expected: in objects and lists at any depth, and in the arguments `exists`,
        /// `blank`, `then`, `else`, `value`, `objects`, `apply`, `mapping`, in the shape of `@arrayPath` and under
        /// `@excludeWhenNull`. The arguments that are texts by nature (of `@path` and `@template`, the path of
        /// `@arrayPath`, `pattern`, `separator`, …) mean what they always mean. Everything inside `@literal` is
        /// `standard`, so `{"@literal": "$.x"}` is the string `$.x`.
        case short
    }

    /// What it was compiled from.
    package let definition: JSON
    private let expression: Expression

    /// Compiles a definition.
    ///
    /// - Throws: `MappingError` with every problem of the definition and its place, not only the first.
    package init(_ definition: JSON, dialect: Dialect = .standard) throws(MappingError) {
        var compiler = Compiler()
        expression = compiler.mapping(definition, dialect)
        guard compiler.problems.isEmpty else { throw MappingError(problems: compiler.problems) }
        self.definition = definition
    }

    /// What the mapping makes of an event; `nil` is the language's undefined.
    ///
    /// Keys with an undefined value are left out at every depth, undefined in a list is `null` (source-api.md §5.1).
    ///
    /// - Throws: `MappingError` with one problem, where a directive gave an argument of the wrong type.
    package func apply(to event: JSON.Object) throws(MappingError) -> JSON? {
        try expression.value(in: .object(event))
    }

    /// Applies the mapping and says where every value came from.
    package func explain(on event: JSON.Object) -> Explanation {
        Explanation(of: expression, on: .object(event))
    }
}
