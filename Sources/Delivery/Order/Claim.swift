import LosslessJSON
package import Storage
package import TrackAPI

/// What an operation touches: a person by one identifier, a device, an object or a delivery, and whether it changes it.
///
/// Two operations conflict if they claim the same key and one of them writes it; these two keep the order of the log.
package struct Claim: Sendable, Hashable {
    /// By `OrderKeys`; its lowest bit is the mode's when it is stored, and 0 here.
    package let key: UInt64
    package let isWrite: Bool

    package init(key: UInt64, isWrite: Bool) {
        self.key = key & ~1
        self.isWrite = isWrite
    }

    /// Key and mode in one number, as they are stored.
    package init(packed: UInt64) {
        self.init(key: packed, isWrite: packed & 1 == 1)
    }

    package var packed: UInt64 { key | (isWrite ? 1 : 0) }
}

extension Operation {
    /// What the operation touches, by its own body and not by its event: a browser puts an anonymous id on everything
    /// (delivery.md F3, C.1). Each key stands once.
    ///
    /// An object has two keys: its attributes, and its being there. Whoever relates a person to it only reads the latter,
    /// so that relationships of many people to one company don't wait for each other (F8).
    package func claims(_ keys: OrderKeys) -> [Claim] {
        var list = ClaimList(keys: keys)
        guard kind == .entity else {
            list.write("delivery", body["delivery_id"])
            return list.claims
        }
        let isDelete = body["action"]?.stringValue == "delete"
        if body["type"]?.stringValue == "object" {
            list.claimObject(body["identifiers"], isDeleted: isDelete, changesAttributes: isDelete || changesAttributes)
            for relationship in relationships { list.writePerson(relationship["identifiers"]?.objectValue) }
        } else {
            list.writePerson(body["identifiers"]?.objectValue)
            if changesAttributes { list.writePerson(body["attributes"]?.objectValue) }
            list.writePerson(body["primary"]?.objectValue)
            list.writePerson(body["secondary"]?.objectValue)
            list.write("device", body["device"]?["token"])
            for relationship in relationships {
                list.claimObject(relationship["identifiers"], isDeleted: false, changesAttributes: false)
            }
        }
        return list.claims
    }

    /// Whether a repeat of the operation after its followers would destroy what they did (delivery.md F22).
    package var takesAway: Bool {
        guard kind == .entity, let action = body["action"]?.stringValue else { return false }
        return ["delete", "suppress", "merge"].contains(action)
    }

    /// `identify` and `identify_anonymous`, whose attributes may name the person in further ways.
    private var changesAttributes: Bool {
        body["action"]?.stringValue?.hasPrefix("identify") ?? false
    }

    private var relationships: [JSON] {
        body["cio_relationships"]?.arrayValue ?? []
    }
}

/// Claims as they are collected: few, so that a scan is the fastest way to find one.
private struct ClaimList {
    let keys: OrderKeys
    private(set) var claims: [Claim] = []

    init(keys: OrderKeys) {
        self.keys = keys
    }

    mutating func writePerson(_ identifiers: JSON.Object?) {
        guard let identifiers else { return }
        for kind in ["id", "email", "cio_id", "anonymous_id"] {
            write(kind, identifiers[kind])
        }
    }

    mutating func claimObject(_ identifiers: JSON?, isDeleted: Bool, changesAttributes: Bool) {
        guard let object = Self.text(identifiers?["object_id"]) else { return }
        let type = Self.text(identifiers?["object_type_id"]) ?? "1"
        // The length keeps type 1, id "2:3" apart from type "1:2", id "3".
        let name = "\(type.utf8.count):\(type)\(object)"
        add(Claim(key: keys.key("object", name), isWrite: isDeleted))
        if changesAttributes { add(Claim(key: keys.key("object.attributes", name), isWrite: true)) }
    }

    mutating func write(_ kind: String, _ value: JSON?) {
        guard var text = Self.text(value) else { return }
        switch kind {
        case "email": text = text.lowercased()
        case "cio_id" where text.hasPrefix("cio_"): text.removeFirst(4)
        default: break
        }
        add(Claim(key: keys.key(kind, text), isWrite: true))
    }

    /// Identifiers are the same as text and as number.
    private static func text(_ value: JSON?) -> String? {
        switch value {
        case .string(let text)? where !text.isEmpty: text
        case .number(let number)?: number.text
        default: nil
        }
    }

    private mutating func add(_ claim: Claim) {
        guard let known = claims.firstIndex(where: { $0.key == claim.key }) else { return claims.append(claim) }
        if claim.isWrite { claims[known] = claim }
    }
}
