/// How one text became another, line by line, as people read it: `-` for what went, `+` for what came, and some lines
/// around them.
package enum TextDifference {
    private static let context = 3
    /// Comparing takes time that grows with both lengths; longer texts are shown as all gone and all new.
    private static let longest = 4_000

    /// `nil` when both are the same.
    package static func lines(from old: String, to new: String) -> String? {
        let (old, new) = (lines(of: old), lines(of: new))
        guard !old.elementsEqual(new) else { return nil }
        guard old.count + new.count <= longest else {
            return (old.map { "- \($0)" } + new.map { "+ \($0)" }).joined(separator: "\n") + "\n"
        }
        let marked = marked(old, new)
        var isShown = [Bool](repeating: false, count: marked.count)
        for (position, line) in marked.enumerated() where line.mark != " " {
            for near in max(0, position - context)...min(marked.count - 1, position + context) { isShown[near] = true }
        }
        var text = ""
        var isCut = false
        for (position, line) in marked.enumerated() {
            if isShown[position] {
                if isCut, !text.isEmpty { text += "  …\n" }
                text += "\(line.mark) \(line.text)\n"
            }
            isCut = !isShown[position]
        }
        return text
    }

    private static func lines(of text: String) -> [Substring] {
        var lines = text.split(separator: "\n", omittingEmptySubsequences: false)
        if lines.last == "" { lines.removeLast() }
        return lines
    }

    private static func marked(_ old: [Substring], _ new: [Substring]) -> [(mark: Character, text: Substring)] {
        let changes = new.difference(from: old)
        var removed: Set<Int> = []
        var inserted: Set<Int> = []
        for change in changes {
            switch change {
            case .remove(let offset, _, _): removed.insert(offset)
            case .insert(let offset, _, _): inserted.insert(offset)
            }
        }
        var marked: [(mark: Character, text: Substring)] = []
        var (before, after) = (0, 0)
        while before < old.count || after < new.count {
            if removed.contains(before) {
                marked.append(("-", old[before]))
                before += 1
            } else if inserted.contains(after) {
                marked.append(("+", new[after]))
                after += 1
            } else {
                marked.append((" ", new[after]))
                before += 1
                after += 1
            }
        }
        return marked
    }
}
