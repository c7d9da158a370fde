import Diagnostics
import LosslessJSON

/// Which requests of the journal are meant.
struct RequestFilter: Sendable {
    /// What can be asked for, in the order in which a near miss speaks of it.
    enum Criterion: String, CaseIterable, Sendable {
        case name, identifier, action, path, method, status
    }

    static let names = Criterion.allCases.map(\.rawValue)

    private(set) var wanted: [(criterion: Criterion, text: String)] = []

    struct Fault: Error {
        let message: String
    }

    /// Of a query, whose other parameters are somebody else's.
    init(_ query: RequestQuery) throws(Fault) {
        for criterion in Criterion.allCases {
            if let text = query[criterion.rawValue] { try add(criterion, text) }
        }
    }

    /// Of a body.
    init(_ object: JSON.Object) throws(Fault) {
        for member in object {
            guard let criterion = Criterion(rawValue: member.key) else {
                let nearest = member.key.nearest(among: Self.names).map { "did you mean \($0)?" }
                throw Fault(
                    message:
                        "\(member.key) is not understood: \(nearest ?? "there are \(Self.names.joined(separator: ", "))")"
                )
            }
            let text = criterion == .status ? member.value.numberValue?.text : member.value.stringValue
            guard let text else {
                throw Fault(message: "\(member.key) must be a \(criterion == .status ? "number" : "text")")
            }
            try add(criterion, text)
        }
    }

    private mutating func add(_ criterion: Criterion, _ text: String) throws(Fault) {
        if criterion == .status {
            guard let status = Int(text), 100...599 ~= status else {
                throw Fault(message: "status must be a number from 100 to 599")
            }
        }
        wanted.append((criterion, text))
    }

    /// Whether a request is meant: one of its items is all that is asked for.
    func matches(_ entry: Journal.Entry, without left: Criterion? = nil) -> Bool {
        let wanted = wanted.filter { $0.criterion != left }
        for (criterion, text) in wanted where !criterion.isOfItem {
            switch criterion {
            case .method: guard entry.method == text.uppercased() else { return false }
            case .status: guard String(entry.status) == text else { return false }
            default: guard PathPattern(text).matches(entry.path) else { return false }
            }
        }
        let ofItem = wanted.filter(\.criterion.isOfItem)
        guard !ofItem.isEmpty else { return true }
        return entry.contents.items.contains { item in
            ofItem.allSatisfy { criterion, text in item.values(of: criterion).contains { $0.hasSameBytes(as: text) } }
        }
    }
}

extension RequestFilter.Criterion {
    fileprivate var isOfItem: Bool { self == .name || self == .identifier || self == .action }
}

extension RequestContents.Item {
    func values(of criterion: RequestFilter.Criterion) -> [String] {
        switch criterion {
        case .name: [name].compactMap(\.self)
        case .action: [action].compactMap(\.self)
        case .identifier: identifiers
        case .path, .method, .status: []
        }
    }
}

/// A path, or with a star at its end the beginning of one.
struct PathPattern: Sendable {
    private let text: String
    private let isPrefix: Bool

    init(_ text: String) {
        isPrefix = text.hasSuffix("*")
        let plain = isPrefix ? String(text.dropLast()) : text
        self.text = isPrefix ? plain : RequestPath(target: plain)?.joined ?? plain
    }

    /// Whether decoded segments are this path.
    func matches(_ path: [String]) -> Bool {
        let path = "/" + path.joined(separator: "/")
        return isPrefix ? path.utf8.starts(with: text.utf8) : path.hasSameBytes(as: text)
    }
}

extension RequestPath {
    fileprivate var joined: String { "/" + segments.joined(separator: "/") }
}

// MARK: Near misses

extension RequestFilter {
    /// Why no request is the one that is looked for, and what is closest to it.
    func nearMiss(among entries: [Journal.Entry]) -> String {
        guard !entries.isEmpty else { return "there are no requests in the journal" }
        let misses = wanted.compactMap { miss($0.criterion, $0.text, entries) }
        guard misses.isEmpty else { return misses.joined(separator: "; ") }
        return
            "no request is all of this: \(words(wanted)). Each of \(entries.count.counting("request")) differs in two things or more"
    }

    /// What is there instead of one thing, among the requests where all else is right.
    private func miss(_ criterion: Criterion, _ text: String, _ entries: [Journal.Entry]) -> String? {
        let others = wanted.filter { $0.criterion != criterion }
        let near = entries.filter { matches($0, without: criterion) }
        guard !near.isEmpty else { return nil }
        var there: [String] = []
        for entry in near {
            for value in values(of: criterion, in: entry, others) where !there.contains(value) { there.append(value) }
            if there.count >= 200 { break }
        }
        let what = others.isEmpty ? "no request with" : "of \(words(others)) there is none with"
        var sentence = "\(what) \(criterion.rawValue) \"\(text)\""
        if criterion != .status, let nearest = text.nearest(among: there) {
            sentence += "; closest is \"\(nearest)\""
        } else if there.isEmpty {
            sentence += "; \(near.count) have none"
        } else {
            let some = there.prefix(5).map { "\"\($0)\"" }.joined(separator: ", ")
            sentence += "; there \(there.count > 1 ? "are" : "is") \(some)\(there.count > 5 ? ", …" : "")"
        }
        return sentence
    }

    private func values(
        of criterion: Criterion,
        in entry: Journal.Entry,
        _ others: [(criterion: Criterion, text: String)]
    ) -> [String] {
        switch criterion {
        case .path: return ["/" + entry.path.joined(separator: "/")]
        case .method: return [entry.method]
        case .status: return [String(entry.status)]
        case .name, .identifier, .action:
            let ofItem = others.filter(\.criterion.isOfItem)
            return entry.contents.items.filter { item in
                ofItem.allSatisfy { other, text in item.values(of: other).contains { $0.hasSameBytes(as: text) } }
            }.flatMap { $0.values(of: criterion) }
        }
    }

    private func words(_ wanted: [(criterion: Criterion, text: String)]) -> String {
        wanted.map { "\($0.criterion.rawValue) \"\($0.text)\"" }.joined(separator: " and ")
    }
}
