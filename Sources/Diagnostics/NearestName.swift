/// Diagnostics: how a mistake in something that a person wrote is shown.
///
/// Triggers, mappings and the configuration file all tell their writer where the mistake is and what was probably meant.
/// What a mistake is, each of them knows itself.
extension String {
    /// The name that was probably meant: equal but for letter case, the beginning of one or the other way round, or at
    /// most a third of its letters away.
    package func nearest(among names: [String]) -> String? {
        let longestWorthComparing = 64
        guard !isEmpty, utf8.count <= longestWorthComparing else { return nil }
        let word = lowercased()
        if let same = names.first(where: { $0.lowercased() == word }) { return same }
        if word.count >= 3, let start = names.first(where: { $0.hasPrefix(word) || word.hasPrefix($0) }) {
            return start
        }
        let ranked = names.map { (name: $0, distance: editDistance(word, $0.lowercased())) }
        guard let best = ranked.min(by: { $0.distance < $1.distance }) else { return nil }
        return best.distance <= max(1, best.name.count / 3) ? best.name : nil
    }
}

/// How many letters must be put in, taken out, replaced or swapped with their neighbour to turn one word into the other.
private func editDistance(_ from: String, _ to: String) -> Int {
    let from = Array(from.unicodeScalars)
    let to = Array(to.unicodeScalars)
    var rowBefore: [Int] = []
    var row = Array(0...to.count)
    for (position, letter) in from.enumerated() {
        var next = [position + 1]
        for (column, other) in to.enumerated() {
            var distance = min(row[column + 1] + 1, next[column] + 1, row[column] + (letter == other ? 0 : 1))
            if position > 0, column > 0, letter == to[column - 1], from[position - 1] == other {
                distance = min(distance, rowBefore[column - 1] + 1)
            }
            next.append(distance)
        }
        rowBefore = row
        row = next
    }
    return row[to.count]
}
