import LosslessJSON
import Storage

/// What one node asks another, as the text that goes through the database.
enum NodeQuestion {
    case operations(seq: Int64, String, Ledger.Kind)
    case retryNow(String)
    case giveUp(seq: Int64, String)
    case erase(NewErasure)

    var text: String {
        let object: JSON.Object
        switch self {
        case .operations(let seq, let integration, let kind):
            object = [
                "ask": "operations", "seq": .number(JSON.Number(seq)), "integration": .string(integration),
                "kind": .string(kind.text),
            ]
        case .retryNow(let integration): object = ["ask": "retry", "integration": .string(integration)]
        case .giveUp(let seq, let integration):
            object = ["ask": "give up", "seq": .number(JSON.Number(seq)), "integration": .string(integration)]
        case .erase(let new): object = ["ask": "erase", "erasure": .string(new.text)]
        }
        return JSON.object(object).description
    }

    /// `nil` for what a later version asks.
    init?(_ text: String) {
        guard let object = try? JSON(parsing: text).objectValue, let ask = object["ask"]?.stringValue else {
            return nil
        }
        let (seq, integration) = (object["seq"]?.numberValue?.int64, object["integration"]?.stringValue)
        switch (ask, seq, integration) {
        case ("operations", let seq?, let integration?):
            guard let kind = object["kind"]?.stringValue.flatMap({ Ledger.Kind(text: $0) }) else { return nil }
            self = .operations(seq: seq, integration, kind)
        case ("retry", _, let integration?): self = .retryNow(integration)
        case ("give up", let seq?, let integration?): self = .giveUp(seq: seq, integration)
        case ("erase", _, _):
            guard let text = object["erasure"]?.stringValue, let new = try? NewErasure(text: text) else { return nil }
            self = .erase(new)
        default: return nil
        }
    }
}

extension OperationStatus {
    var json: JSON {
        var object: JSON.Object = [
            "place": .number(JSON.Number(place)), "action": .string(action), "state": .string(state.rawValue),
            "attempts": .number(JSON.Number(attempts)), "words": .string(words),
        ]
        if let dueAt { object["due_at"] = .number(JSON.Number(dueAt)) }
        return .object(object)
    }

    init?(_ json: JSON) {
        guard let object = json.objectValue, let place = object["place"]?.numberValue?.int64,
            let action = object["action"]?.stringValue,
            let state = object["state"]?.stringValue.flatMap({ State(rawValue: $0) }),
            let attempts = object["attempts"]?.numberValue?.int64, let words = object["words"]?.stringValue
        else { return nil }
        self.init(
            place: Int(place),
            action: action,
            state: state,
            attempts: Int(attempts),
            dueAt: object["due_at"]?.numberValue?.int64,
            words: words
        )
    }
}

extension LaneStatus {
    /// Lanes as a node tells them to the others.
    package static func text(_ lanes: [LaneStatus]) -> String {
        lanes.isEmpty ? "" : JSON.array(lanes.map(\.json)).description
    }

    static func list(_ text: String) -> [LaneStatus] {
        (try? JSON(parsing: text))?.arrayValue?.compactMap { LaneStatus($0) } ?? []
    }

    private var json: JSON {
        var object: JSON.Object = [
            "integration": .string(integration), "kind": .string(kind.text),
            "position": .number(JSON.Number(position)), "last_read": .number(JSON.Number(lastRead)),
            "under_way": .number(JSON.Number(underWay)), "concurrency": .number(JSON.Number(concurrency)),
            "held": .number(JSON.Number(held)),
        ]
        switch road {
        case .open: object["road"] = "open"
        case .held: object["road"] = "held"
        case .closed(let until, let words), .paused(let until, let words):
            if case .closed = road { object["road"] = "closed" } else { object["road"] = "paused" }
            object["until"] = .number(JSON.Number(until))
            object["words"] = .string(words)
        }
        return .object(object)
    }

    private init?(_ json: JSON) {
        guard let object = json.objectValue, let integration = object["integration"]?.stringValue,
            let kind = object["kind"]?.stringValue.flatMap({ Ledger.Kind(text: $0) })
        else { return nil }
        func number(_ name: String) -> Int64 { object[name]?.numberValue?.int64 ?? 0 }
        let words = object["words"]?.stringValue ?? ""
        let road: Road =
            switch object["road"]?.stringValue {
            case "held": .held
            case "closed": .closed(until: number("until"), words: words)
            case "paused": .paused(until: number("until"), words: words)
            default: .open
            }
        self.init(
            integration: integration,
            kind: kind,
            position: number("position"),
            lastRead: number("last_read"),
            road: road,
            underWay: Int(number("under_way")),
            concurrency: Int(number("concurrency")),
            held: Int(number("held"))
        )
    }
}
