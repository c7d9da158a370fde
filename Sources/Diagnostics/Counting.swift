extension BinaryInteger {
    /// So many of something, in words that fit: `1 event`, `2 events`.
    ///
    /// - Parameters:
    ///   - one: what one of them is called.
    ///   - several: what several, or none, are called; without it `one` with an s behind it.
    /// - Returns: the number and the noun.
    package func counting(_ one: String, _ several: String? = nil) -> String {
        "\(self) \(self == 1 ? one : several ?? one + "s")"
    }
}
