import Mustache

/// A template's data, with a truth `hasX` for each `x`: whether there is something in it.
struct Fields: MustacheParent {
    private let values: [String: Any]

    init(_ view: View) {
        values = view.compactMapValues(Self.prepared)
    }

    func child(named name: String) -> Any? {
        if let value = values[name] { return value }
        guard name.hasPrefix("has"), let first = name.dropFirst(3).first else { return nil }
        return values[first.lowercased() + name.dropFirst(4)].map(Self.isThere)
    }

    private static func prepared(_ value: Any) -> Any? {
        switch value {
        case let view as View: Fields(view)
        case let list as [View]: list.map(Fields.init)
        case let optional as any Wrapping: optional.wrapped.flatMap(prepared)
        default: value
        }
    }

    private static func isThere(_ value: Any) -> Bool {
        switch value {
        case let text as String: !text.isEmpty
        case let list as [Any]: !list.isEmpty
        case let truth as Bool: truth
        default: true
        }
    }
}

/// A value that may be none, whatever it is of.
private protocol Wrapping {
    var wrapped: Any? { get }
}

extension Optional: Wrapping {
    fileprivate var wrapped: Any? { map { $0 as Any } }
}
