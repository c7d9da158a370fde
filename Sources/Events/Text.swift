extension String {
    /// Whether there is nothing but white space (actions.md §2).
    package var isBlank: Bool {
        // Nearly every text begins with a letter or a digit, which settles it.
        if let first = utf8.first, 0x21...0x7E ~= first { return false }
        return unicodeScalars.allSatisfy(\.properties.isWhitespace)
    }

    /// Enough of a text from outside to recognise it in a message: its first 40 Unicode scalars, on one line.
    ///
    /// Characters that would move a terminal's cursor or turn the direction of writing become spaces. Scalars are
    /// counted, because a single character can be as long as the sender likes.
    package var shortened: String {
        let limit = 40
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
