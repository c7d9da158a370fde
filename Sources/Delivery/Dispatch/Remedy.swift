/// What an operator can do about a failure, in words.
package enum Remedy {
    /// The advice for a failure with these words, as they are kept with it.
    package static func words(for words: String) -> String {
        let known: [(prefix: String, remedy: String)] = [
            ("larger than", "Leave something out with a mapping, and retry."),
            ("given up after", "The destination failed for this operation alone for a day: look at it, and retry."),
            ("given up by", "Somebody wanted those behind it to go on. Retry it when the destination takes it."),
            ("given up early", "Too much waited behind it. Retry when the destination takes it again."),
            ("the event is no longer", "Nothing is left to be sent: discard it."),
            ("the plan has changed", "The actions of today make nothing of this event: discard it, or change them."),
            ("413", "Leave something out with a mapping, and retry."),
            ("403", "Something in front of the destination refuses this operation: ask who runs it, and retry."),
            ("400", "The destination refuses it as it is: mend the mapping or what the app sends, and retry."),
            ("422", "The destination refuses it as it is: mend the mapping or what the app sends, and retry."),
        ]
        return known.first { words.hasPrefix($0.prefix) }?.remedy
            ?? "Look at the operation and at the destination's words, and retry when one of them has changed."
    }
}
