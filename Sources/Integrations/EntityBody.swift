import LosslessJSON
import TrackAPI

/// The body of one Track API v2 item, key by key in the order in which it is read best.
struct EntityBody {
    private var body = JSON.Object()

    init(_ type: String, _ action: String, identifiers: JSON?) {
        body.reserveCapacity(8)
        body.append("type", .string(type))
        body.append("action", .string(action))
        add("identifiers", identifiers)
    }

    mutating func add(_ key: String, _ value: JSON?) {
        if let value { body.append(key, value) }
    }

    mutating func add(_ key: String, _ text: String?) {
        if let text { body.append(key, .string(text)) }
    }

    mutating func add(_ key: String, nonEmpty object: JSON.Object?) {
        if let object, !object.isEmpty { body.append(key, .object(object)) }
    }

    var operation: Operation {
        Operation(kind: .entity, body: body)
    }
}
