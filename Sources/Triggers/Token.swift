/// A token of a trigger, and where it stands in the source.
struct Token {
    enum Kind: Equatable {
        case end
        case text(String)
        /// A number, as the source writes it.
        case number(String)
        /// The parts of a path.
        case word([String])
        /// A name directly in front of a parenthesis.
        case function(String)
        case and, or, `in`
        case yes, no, null
        case comparison(Comparison)
        case not
        case leftParenthesis, rightParenthesis
        case leftBracket, rightBracket
        case comma
    }

    let kind: Kind
    let range: Range<Int>

    /// Keywords are lower-case; `AND` and `OR` stand in published presets (source-api.md §4.1).
    static func keyword(_ word: String) -> Kind? {
        switch word {
        case "and", "AND": .and
        case "or", "OR": .or
        case "in": .in
        case "true": .yes
        case "false": .no
        case "null": .null
        default: nil
        }
    }
}
