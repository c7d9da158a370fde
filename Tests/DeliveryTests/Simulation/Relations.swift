import LosslessJSON
import TrackAPI

/// Who must keep which order, read from the bodies by the table of delivery.md C.1 once more: as text, by scanning, and
/// with nothing in common with the code that is tested.
struct Relations: Sendable {
    /// The earlier operations with which each conflicts: both name one thing, and one of them changes it.
    private(set) var earlier: [[Int]] = []
    /// Deletes, suppresses or merges.
    private(set) var isCut: [Bool] = []

    init(_ operations: [Operation]) {
        var touched: [String: [(index: Int, isWrite: Bool)]] = [:]
        for (index, operation) in operations.enumerated() {
            var conflicts: Set<Int> = []
            for (thing, isWrite) in Self.things(in: operation) {
                for before in touched[thing] ?? [] where before.isWrite || isWrite { conflicts.insert(before.index) }
                touched[thing, default: []].append((index, isWrite))
            }
            earlier.append(conflicts.sorted())
            let action = operation.body["action"]?.stringValue ?? ""
            isCut.append(operation.kind == .entity && ["delete", "suppress", "merge"].contains(action))
        }
    }

    /// Those that conflict with one of these, or with one that does, and so on: all that may have to wait for them.
    func followers(of roots: [Int]) -> Set<Int> {
        var all = Set(roots)
        for index in earlier.indices where !all.contains(index) {
            if earlier[index].contains(where: all.contains) { all.insert(index) }
        }
        return all
    }

    /// What an operation names, and whether it changes it.
    static func things(in operation: Operation) -> [String: Bool] {
        let body = operation.body
        if operation.kind == .metric { return ["delivery \(text(body["delivery_id"]) ?? "")": true] }
        var things: [String: Bool] = [:]
        func change(_ names: [String]) { for name in names { things[name] = true } }
        func read(_ names: [String]) { for name in names where things[name] == nil { things[name] = false } }
        let related = (body["cio_relationships"]?.arrayValue ?? []).map { $0["identifiers"] }
        switch (body["type"]?.stringValue, body["action"]?.stringValue) {
        case ("object", "identify"), ("object", "identify_anonymous"):
            change(object(body["identifiers"]).map { "\($0) attributes" })
            read(object(body["identifiers"]))
            for one in related { change(person(one)) }
        case ("object", "delete"):
            change(object(body["identifiers"]).flatMap { [$0, "\($0) attributes"] })
        case ("object", _):
            read(object(body["identifiers"]))
            for one in related { change(person(one)) }
        case (_, "merge"):
            change(person(body["primary"]))
            change(person(body["secondary"]))
        case (_, "identify"):
            change(person(body["identifiers"]))
            change(person(body["attributes"]))
            for one in related { read(object(one)) }
        case (_, "add_device"), (_, "delete_device"):
            change(person(body["identifiers"]))
            change(["device \(text(body["device"]?["token"]) ?? "")"])
        default:
            change(person(body["identifiers"]))
        }
        return things
    }

    private static func person(_ json: JSON?) -> [String] {
        var names: [String] = []
        if let id = text(json?["id"]) { names.append("id \(id)") }
        if let email = text(json?["email"]) { names.append("email \(email.lowercased())") }
        if let anonymous = text(json?["anonymous_id"]) { names.append("anonymous \(anonymous)") }
        if let cio = text(json?["cio_id"]) {
            names.append("cio \(cio.hasPrefix("cio_") ? String(cio.dropFirst(4)) : cio)")
        }
        return names
    }

    private static func object(_ json: JSON?) -> [String] {
        ["object \(text(json?["object_type_id"]) ?? "1") \(text(json?["object_id"]) ?? "")"]
    }

    private static func text(_ json: JSON?) -> String? {
        switch json {
        case .string(let text)?: text
        case .number(let number)?: number.text
        default: nil
        }
    }
}
