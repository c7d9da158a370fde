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

extension Int64 {
    /// So many seconds as a person says it: `45 s`, `3 min`, `5 h`, `12 d`.
    package var span: String {
        switch magnitude {
        case ..<60: "\(magnitude) s"
        case ..<3_600: "\(magnitude / 60) min"
        case ..<172_800: "\(magnitude / 3_600) h"
        default: "\(magnitude / 86_400) d"
        }
    }
}
