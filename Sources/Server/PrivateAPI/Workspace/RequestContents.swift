import LosslessJSON

/// What a request to the Track API is about, as far as its path and its body tell: enough to find it by, or to choose a
/// fault for it. Whether it was right is not asked here.
struct RequestContents: Sendable {
    struct Item: Sendable {
        var identifiers: [String] = []
        var action: String?
        var name: String?
    }

    var items: [Item] = []

    /// - Parameters:
    ///   - method: the request's.
    ///   - path: its decoded segments.
    ///   - body: what it carries, if that is JSON.
    init(method: String, path: [String], body: JSON?) {
        guard path.count > 2, path[0] == "api" else { return }
        switch (path[1], path[2]) {
        case ("v2", "entity"): items = [Self.item(body)]
        case ("v2", "batch"): items = (body?["batch"]?.arrayValue ?? []).map { Self.item($0) }
        case ("v1", _): items = [Self.item(method, Array(path.dropFirst(2)), body)]
        default: break
        }
    }

    // MARK: Version 2

    private static func item(_ json: JSON?) -> Item {
        var item = Item(action: json?["action"]?.stringValue, name: json?["name"]?.stringValue)
        for side in ["identifiers", "primary", "secondary"] {
            item.identifiers += (json?[side]?.objectValue ?? [:]).compactMap { text($0.value) }
        }
        return item
    }

    private static func text(_ value: JSON?) -> String? {
        value?.stringValue ?? value?.numberValue?.text
    }

    // MARK: Version 1

    private static func item(_ method: String, _ path: [String], _ body: JSON?) -> Item {
        var item = Item(name: body?["name"]?.stringValue)
        switch path[0] {
        case "customers":
            if path.count > 1 { item.identifiers.append(path[1]) }
            let what = path.count > 2 ? path[2] : ""
            item.action =
                switch (method, what) {
                case ("DELETE", ""): "delete"
                case (_, ""): "identify"
                case (_, "events"): body?["type"]?.stringValue ?? "event"
                case ("DELETE", "devices"): "delete_device"
                case (_, "devices"): "add_device"
                default: what
                }
        case "merge_customers":
            item.action = "merge"
            for side in ["primary", "secondary"] {
                item.identifiers += (body?[side]?.objectValue ?? [:]).compactMap { text($0.value) }
            }
        case "events":
            item.action = "event"
            item.identifiers = [text(body?["anonymous_id"])].compactMap(\.self)
        default:
            item.action = path[0]
            if item.name == nil { item.name = body?["metric"]?.stringValue ?? body?["event"]?.stringValue }
        }
        return item
    }
}
