import LosslessJSON

/// What Segment has of a destination, as its Public API or the repository of its actions gives it.
///
/// These are read, alone or as `data` of an answer:
/// - `subscriptions`: `GET /destinations/{id}/subscriptions`, also together with `destination`, or one `subscription`;
/// - `presets`, each with `partnerAction`, `subscribe` and `mapping`;
/// - a list of either.
package struct SegmentExport {
    /// An action as it is set up there.
    struct Subscription {
        /// Where it stands: `subscriptions[3]`.
        let place: String
        let name: String?
        let slug: String?
        /// `nil` where there is none: something other than an event starts it.
        let trigger: String?
        let isEnabled: Bool
        /// Its fields; `nil` where the export has none.
        let settings: JSON.Object?
        /// Whether rows of a warehouse start it.
        let isOfModel: Bool

        /// For people: `subscriptions[3] "Orders"`.
        var title: String { name.map { "\(place) \"\($0)\"" } ?? place }
    }

    var subscriptions: [Subscription] = []
    /// The destination's own name.
    private(set) var name: String?
    private(set) var region: String?
    private(set) var isEnabled = true
    /// Whether there are more subscriptions than stand in it.
    private(set) var isIncomplete = false

    /// Why a text is no export.
    package struct Problem: Error, Sendable, CustomStringConvertible {
        package let description: String
    }

    init(_ json: JSON) throws(Problem) {
        let body = json["data"] ?? json
        let destination = body["destination"]
        name = destination?["name"]?.stringValue
        isEnabled = destination?["enabled"]?.boolValue ?? true
        region = Self.region(destination?["settings"]?["accountRegion"]?.stringValue)
        isIncomplete = body["pagination"]?["next"]?.stringValue?.isEmpty == false
        guard let (key, items) = Self.items(of: body) else {
            throw Problem(
                description: """
                    it has neither subscriptions nor presets: expected is what GET /destinations/{id}/subscriptions of \
                    Segment's Public API answers, or a list of presets
                    """
            )
        }
        for (position, item) in items.enumerated() {
            let place = "\(key)[\(position)]"
            guard let object = item.objectValue else {
                throw Problem(description: "\(place) must be an object, not \(item.kindName)")
            }
            subscriptions.append(try Self.subscription(object, at: place))
        }
    }

    private static func items(of body: JSON) -> (key: String, items: [JSON])? {
        if let items = body.arrayValue {
            return (items.first?["partnerAction"] == nil ? "subscriptions" : "presets", items)
        }
        for key in ["subscriptions", "presets"] {
            if let items = body[key]?.arrayValue ?? body["destination"]?[key]?.arrayValue { return (key, items) }
        }
        return body["subscription"].map { ("subscriptions", [$0]) }
    }

    private static func subscription(_ object: JSON.Object, at place: String) throws(Problem) -> Subscription {
        Subscription(
            place: place,
            name: object["name"]?.stringValue,
            slug: object["actionSlug"]?.stringValue ?? object["partnerAction"]?.stringValue,
            trigger: object["trigger"]?.stringValue ?? object["subscribe"]?.stringValue,
            isEnabled: object["enabled"]?.boolValue ?? true,
            settings: try settings(object["settings"] ?? object["mapping"], at: place),
            isOfModel: object["modelId"]?.stringValue?.isEmpty == false
        )
    }

    /// An object, or one as JSON text, which Terraform keeps.
    private static func settings(_ json: JSON?, at place: String) throws(Problem) -> JSON.Object? {
        switch json {
        case nil, .null?: return nil
        case .object(let object)?: return object.isEmpty ? nil : object
        case .string(let text)?:
            if let object = (try? JSON(parsing: text))?.objectValue { return object.isEmpty ? nil : object }
        default: break
        }
        throw Problem(description: "the settings of \(place) must be an object of fields")
    }

    /// `EU 🇪🇺` or `EU`.
    private static func region(_ text: String?) -> String? {
        ["US", "EU"].first { text?.hasPrefix($0) == true }
    }
}
