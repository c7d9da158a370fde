extension String {
    /// Whether there is nothing but white space (actions.md §2).
    package var isBlank: Bool {
        // Nearly every text begins with a letter or a digit, which settles it.
        if let first = utf8.first, 0x21...0x7E ~= first { return false }
        return unicodeScalars.allSatisfy(\.properties.isWhitespace)
    }
}
