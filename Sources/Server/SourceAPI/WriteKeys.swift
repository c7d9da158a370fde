import LosslessJSON
import Synchronization

/// The write keys of all sources. They can change while Ferry runs.
package final class WriteKeys: Sendable {
    /// One key of one source.
    package struct Entry: Sendable {
        fileprivate let key: [UInt8]
        /// The source's name in `ferry.yaml`.
        package let source: String
        /// A key of a source that is switched off is known and refused.
        package let isEnabled: Bool

        /// The key of a source, 1,024 bytes at most; nobody finds a longer one, nor an empty one.
        package init(key: String, source: String, isEnabled: Bool = true) {
            self.key = Array(key.utf8)
            self.source = source
            self.isEnabled = isEnabled
        }
    }

    /// Bytes of a key at most, so that a sender does not buy time with a long one.
    private static let longest = 1024

    private struct Known {
        var ofFile: [Entry] { didSet { join() } }
        var kept: [Entry] = [] { didSet { join() } }
        private(set) var all: [Entry]
        /// How often those of the data were read, and which reading counts.
        var turns: UInt64 = 0
        var turn: UInt64 = 0

        init(ofFile: [Entry]) {
            self.ofFile = ofFile
            all = ofFile
        }

        private mutating func join() {
            all = ofFile + kept.filter { entry in !ofFile.contains { $0.source.hasSameBytes(as: entry.source) } }
        }
    }

    private let known: Mutex<Known>

    /// All keys of the configuration file; where two are the same the first one counts.
    package init(_ entries: [Entry]) {
        known = Mutex(Known(ofFile: entries))
    }

    /// Others of the file from now on.
    package func replace(by entries: [Entry]) {
        known.withLock { $0.ofFile = entries }
    }

    /// Others of the data from now on. A source of the file comes before one of the same name here.
    /// `turn` is that of the reading: what was read before another one that counts already does not.
    func keep(_ entries: [Entry], _ turn: UInt64) {
        known.withLock { known in
            guard turn > known.turn else { return }
            known.turn = turn
            known.kept = entries
        }
    }

    /// To be taken before reading.
    func nextTurn() -> UInt64 {
        known.withLock { known in
            known.turns += 1
            return known.turns
        }
    }

    /// Whether a source is the file's.
    func isOfFile(_ source: String) -> Bool {
        known.withLock { $0.ofFile.contains { $0.source.hasSameBytes(as: source) } }
    }

    /// Whether a source is there and switched on.
    func isEnabled(_ source: String) -> Bool {
        entries.contains { $0.source.hasSameBytes(as: source) && $0.isEnabled }
    }

    /// How many keys let the clients of a source in.
    func count(of source: String) -> Int {
        entries.count { $0.source.hasSameBytes(as: source) }
    }

    /// The names of the sources.
    package var sources: [String] {
        var names: [String] = []
        for entry in entries where !names.contains(where: { $0.hasSameBytes(as: entry.source) }) {
            names.append(entry.source)
        }
        return names
    }

    private var entries: [Entry] { known.withLock(\.all) }

    /// The entry of a key; the first one if two have the same. Takes the same time whichever key it is, and for
    /// unknown ones.
    func entry(for key: String) -> Entry? {
        guard key.utf8.count <= Self.longest else { return nil }
        let given = Array(key.utf8)
        var found: Entry?
        for entry in entries where isSameSecret(given, as: entry.key) { found = found ?? entry }
        return found
    }

    /// The entry whose key has a mark.
    func entry(withMark mark: [UInt8], by makeMark: (String) -> [UInt8]) -> Entry? {
        entries.first { makeMark(String(decoding: $0.key, as: UTF8.self)) == mark }
    }

    /// Whether a source of this name is known.
    func contains(source: String) -> Bool {
        entries.contains { $0.source.hasSameBytes(as: source) }
    }
}

extension WriteKeys.Entry: CustomStringConvertible {
    /// Without the key, so that it ends up in no log.
    package var description: String { "write key of \(source)" }
}
