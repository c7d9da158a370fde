extension String {
    /// Whether it stays on its line: no line breaks, nothing that a terminal would obey.
    package var fitsOnLine: Bool {
        unicodeScalars.allSatisfy { scalar in
            switch scalar.properties.generalCategory {
            case .control, .lineSeparator, .paragraphSeparator: false
            default: true
            }
        }
    }

    /// Enough of a text from outside to recognise it in a message or a table: so many of its Unicode scalars, on one line.
    ///
    /// Characters that would move a terminal's cursor or turn the direction of writing become spaces. Scalars are
    /// counted, because a single character can be as long as the sender likes.
    package func onOneLine(upTo limit: Int = 40) -> String {
        var short = String.UnicodeScalarView()
        for scalar in unicodeScalars.prefix(limit) {
            switch scalar.properties.generalCategory {
            case .control, .format, .lineSeparator, .paragraphSeparator: short.append(" ")
            default: short.append(scalar)
            }
        }
        return String(short) + (unicodeScalars.dropFirst(limit).isEmpty ? "" : "…")
    }
}
