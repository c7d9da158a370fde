import LosslessJSON

/// A workspace as track-api.md tells it, in arrays and dictionaries: slow, without SQL, and written for nothing but to be
/// held against the real one. It knows the items that `RandomStream` makes.
struct WorkspaceModel {
    struct Value {
        var value: JSON?
        var time: Int64
    }

    struct Person {
        let number: Int
        var id: String?
        var email: String?
        var attributes: [String: Value] = [:]
    }

    struct Event {
        var owner: Int?
        let anonymousId: String?
        let name: String
        let at: Int64
    }

    /// By what people are known (§5): `email_or_id`, `id` or `email`.
    let identifiers: String
    private(set) var people: [Person] = []
    private var made = 0
    /// Identifiers that were blocked together.
    private var blocked: [Set<String>] = []
    private(set) var devices: [String: Int] = [:]
    private(set) var objects: Set<String> = []
    /// By person and object.
    private(set) var relationships: [Int: [String: [String: Value]]] = [:]
    private var held: [String: [String: [String: Value]]] = [:]
    private(set) var events: [Event] = []
    private var joined: [String: (person: Int, at: Int64)] = [:]

    init(identifiers: String = "email_or_id") {
        self.identifiers = identifiers
    }

    // MARK: Items

    mutating func carryOut(_ item: JSON, now: Int64) {
        let time = item["timestamp"]?.numberValue?.int64 ?? now
        let attributes = item["attributes"]?.objectValue ?? [:]
        let action = item["action"]?.stringValue ?? ""
        guard item["type"] == "person" else { return carryOutObject(item, action, now: now) }
        switch action {
        case "identify": identify(key(item["identifiers"]), attributes, links(item), time, now)
        case "event", "page": record(item, now)
        case "delete":
            guard let person = existing(key(item["identifiers"])) else { return }
            remove(person)
        case "suppress": suppress(key(item["identifiers"]))
        case "unsuppress":
            let key = key(item["identifiers"])
            blocked.removeAll { $0.contains(key) }
        case "merge":
            guard let primary = existing(key(item["primary"])), let secondary = existing(key(item["secondary"])),
                primary != secondary
            else { return }
            merge(secondary, into: primary)
        case "add_relationships":
            guard let person = existingOrNew(key(item["identifiers"])) else { return }
            for (object, changes) in links(item) {
                objects.insert(object)
                relate(person, object, changes, time)
            }
        case "delete_relationships":
            guard let person = existing(key(item["identifiers"])) else { return }
            for (object, _) in links(item) { relationships[person]?[object] = nil }
        case "add_device":
            guard let person = existingOrNew(key(item["identifiers"])) else { return }
            devices[item["device"]?["token"]?.stringValue ?? ""] = person
        case "delete_device":
            let token = item["device"]?["token"]?.stringValue ?? ""
            guard let person = existing(key(item["identifiers"])), devices[token] == person else { return }
            devices[token] = nil
        default: break
        }
    }

    private mutating func carryOutObject(_ item: JSON, _ action: String, now: Int64) {
        let object = item["identifiers"]?["object_id"]?.stringValue ?? ""
        let far = item["cio_relationships"]?.arrayValue ?? []
        switch action {
        case "delete":
            objects.remove(object)
            for person in relationships.keys { relationships[person]?[object] = nil }
            for id in held.keys { held[id]?[object] = nil }
        case "delete_relationships":
            guard objects.contains(object) else { return }
            for link in far {
                guard let person = existing(key(link["identifiers"])) else { continue }
                relationships[person]?[object] = nil
            }
        default:
            objects.insert(object)
            for link in far {
                let changes = link["relationship_attributes"]?.objectValue ?? [:]
                if let id = link["identifiers"]?["anonymous_id"]?.stringValue {
                    if let join = joined[id], now - join.at <= 300 {
                        relate(join.person, object, changes, now)
                    } else {
                        let old = held[id]?[object] ?? [:]
                        held[id, default: [:]][object] = Self.changed(old, changes, now)
                    }
                } else if let person = existingOrNew(key(link["identifiers"])) {
                    relate(person, object, changes, now)
                }
            }
        }
    }

    // MARK: Whom it concerns

    /// `id:u1`, `email:a@x.com`, `cio:01000001`.
    private func key(_ identifiers: JSON?) -> String {
        if let id = identifiers?["id"]?.stringValue { return "id:\(id)" }
        if let email = identifiers?["email"]?.stringValue { return "email:\(email.lowercased())" }
        return "cio:\(identifiers?["cio_id"]?.stringValue ?? "")"
    }

    private func isBlocked(_ key: String) -> Bool { blocked.contains { $0.contains(key) } }

    private func owner(_ key: String) -> Int? {
        people.first { person in
            person.id.map { "id:\($0)" } == key || person.email.map { "email:\($0.lowercased())" } == key
                || "cio:\(Self.cioId(person.number))" == key
        }?.number
    }

    static func cioId(_ number: Int) -> String {
        var text = "010000"
        var rest = number
        repeat {
            let byte = rest & 0x7f | (rest > 0x7f ? 0x80 : 0)
            text += (byte < 16 ? "0" : "") + String(byte, radix: 16)
            rest >>= 7
        } while rest > 0
        return text
    }

    private func existing(_ key: String) -> Int? { isBlocked(key) ? nil : owner(key) }

    private mutating func existingOrNew(_ key: String) -> Int? {
        if isBlocked(key) { return nil }
        if let person = owner(key) { return person }
        if key.hasPrefix("cio:") { return nil }
        return make(id: key.hasPrefix("id:") ? String(key.dropFirst(3)) : nil, email: nil, key)
    }

    private mutating func make(id: String?, email: String?, _ key: String) -> Int {
        made += 1
        let given = key.hasPrefix("email:") ? String(key.dropFirst(6)) : nil
        let own = identifiers == "email" ? Self.cioId(made) : id
        people.append(Person(number: made, id: own, email: email ?? given))
        return made
    }

    private mutating func change(_ number: Int, _ change: (inout Person) -> Void) {
        guard let position = people.firstIndex(where: { $0.number == number }) else { return }
        change(&people[position])
    }

    private func person(_ number: Int) -> Person? { people.first { $0.number == number } }

    private mutating func remove(_ number: Int) {
        people.removeAll { $0.number == number }
        devices = devices.filter { $0.value != number }
        relationships[number] = nil
        events.removeAll { $0.owner == number }
        joined = joined.filter { $0.value.person != number }
    }

    // MARK: Identify (§6.2)

    private mutating func identify(
        _ call: String,
        _ attributes: JSON.Object,
        _ links: [(String, JSON.Object)],
        _ time: Int64,
        _ now: Int64
    ) {
        let id = identifiers == "email" ? nil : attributes["id"]?.stringValue
        let email = identifiers == "id" ? nil : attributes["email"]?.stringValue
        let among = [id.map { "id:\($0)" }, email.map { "email:\($0.lowercased())" }].compactMap(\.self)
        if isBlocked(call) || among.contains(where: isBlocked) { return }
        let isUpdate = attributes["_update"] == true
        guard let person = target(call, id, email, among, isUpdate, now) else { return }
        let isAttribute = identifiers == "id"
        let stored = attributes.removing { $0 == "email" && !isAttribute || ["id", "_update"].contains($0) }
        change(person) { $0.attributes = Self.changed($0.attributes, stored, time) }
        if let anonymousId = attributes["anonymous_id"]?.stringValue { join(anonymousId, person, now) }
        for (object, changes) in links {
            objects.insert(object)
            relate(person, object, changes, time)
        }
    }

    /// Who is to be updated, with the identifiers changed; `nil` when nothing happens or it is refused.
    private mutating func target(
        _ call: String,
        _ id: String?,
        _ email: String?,
        _ among: [String],
        _ isUpdate: Bool,
        _ now: Int64
    ) -> Int? {
        let found = owner(call)
        let owners = Set(among.compactMap(owner))
        if call.hasPrefix("cio:") {
            guard let found, owners.isSubset(of: [found]) else { return nil }
            change(found) { person in
                if let id { person.id = id }
                if let email { person.email = email }
            }
            return found
        }
        // It names two ids, or two addresses.
        if among.contains(where: { $0.prefix(3) == call.prefix(3) && $0 != call }) { return nil }
        guard let target = found ?? owners.first else {
            if isUpdate { return nil }
            // A new person has the address as it was written.
            let isEmail = call.hasPrefix("email:")
            return make(id: isEmail ? id : String(call.dropFirst(3)), email: isEmail ? nil : email, call)
        }
        let others = owners.subtracting([target])
        if let other = others.first {
            guard found != nil, others.count == 1, mayMerge(call, id, email, target, other) else { return nil }
            let (primary, secondary) = (min(target, other), max(target, other))
            merge(secondary, into: primary)
            return primary
        }
        guard let person = person(target) else { return nil }
        if let id, person.id.map({ $0 != id }) ?? false { return nil }
        if let email, person.email.map({ $0.lowercased() != email.lowercased() }) ?? false { return nil }
        change(target) { person in
            person.id = person.id ?? id
            person.email = person.email ?? email
            guard found == nil else { return }
            if call.hasPrefix("id:") { person.id = String(call.dropFirst(3)) }
            if call.hasPrefix("email:") { person.email = String(call.dropFirst(6)) }
        }
        return target
    }

    /// §14.3.
    private func mayMerge(_ call: String, _ id: String?, _ email: String?, _ one: Int, _ other: Int) -> Bool {
        guard let one = person(one), let other = person(other) else { return false }
        return call.hasPrefix("id:")
            ? email != nil && one.email == nil && other.id == nil
            : id != nil && one.id == nil && other.email == nil
    }

    // MARK: Attributes (§7, §8)

    private static func changed(_ old: [String: Value], _ changes: JSON.Object, _ time: Int64) -> [String: Value] {
        var new = old
        for change in changes where (old[change.key]?.time ?? .min) <= time {
            let isRemoval = change.value.isNull || change.value == ""
            new[change.key] = Value(value: isRemoval ? nil : change.value, time: time)
        }
        return new
    }

    // MARK: Events, anonymous activity (§12, §13)

    private mutating func record(_ item: JSON, _ now: Int64) {
        let name = item["name"]?.stringValue ?? ""
        if let id = item["identifiers"]?["anonymous_id"]?.stringValue {
            let owner = joined[id].flatMap { now - $0.at <= 300 ? $0.person : nil }
            events.append(Event(owner: owner, anonymousId: owner == nil ? id : nil, name: name, at: now))
        } else if let person = existingOrNew(key(item["identifiers"])) {
            events.append(Event(owner: person, anonymousId: nil, name: name, at: now))
        }
    }

    private mutating func join(_ id: String, _ person: Int, _ now: Int64) {
        for position in events.indices where events[position].owner == nil && events[position].anonymousId == id {
            events[position].owner = person
        }
        for (object, attributes) in held[id] ?? [:] {
            relationships[person, default: [:]][object] = Self.inheriting(
                relationships[person]?[object] ?? [:],
                attributes
            )
        }
        held[id] = nil
        joined[id] = (person, now)
    }

    // MARK: Relationships, merge, suppress (§14, §15, §17)

    private func links(_ item: JSON) -> [(String, JSON.Object)] {
        (item["cio_relationships"]?.arrayValue ?? []).map { link in
            (
                link["identifiers"]?["object_id"]?.stringValue ?? "",
                link["relationship_attributes"]?.objectValue ?? [:]
            )
        }
    }

    private mutating func relate(_ person: Int, _ object: String, _ changes: JSON.Object, _ time: Int64) {
        let old = relationships[person]?[object] ?? [:]
        relationships[person, default: [:]][object] = Self.changed(old, changes, time)
    }

    private static func inheriting(_ own: [String: Value], _ other: [String: Value]) -> [String: Value] {
        own.merging(other.filter { $0.value.value != nil }) { $0.value == nil ? $1 : $0 }
    }

    private mutating func merge(_ secondary: Int, into primary: Int) {
        guard let other = person(secondary) else { return }
        change(primary) { person in
            person.attributes = Self.inheriting(person.attributes, other.attributes)
            person.id = person.id ?? other.id
            person.email = person.email ?? other.email
        }
        for position in events.indices where events[position].owner == secondary { events[position].owner = primary }
        for token in devices.keys where devices[token] == secondary { devices[token] = primary }
        relationships[primary] = (relationships[primary] ?? [:]).merging(relationships[secondary] ?? [:]) { own, _ in
            own
        }
        for id in joined.keys where joined[id]?.person == secondary { joined[id]?.person = primary }
        remove(secondary)
    }

    private mutating func suppress(_ key: String) {
        if isBlocked(key) { return }
        var keys: Set<String> = [key]
        if let number = owner(key), let person = person(number) {
            if key.hasPrefix("cio:") {
                if let id = person.id { keys.insert("id:\(id)") }
                if let email = person.email { keys.insert("email:\(email.lowercased())") }
            }
            remove(number)
        }
        blocked.append(keys)
    }

    // MARK: Reading

    /// One line for each person and object, as `Playground.described` has them.
    var described: [String] {
        let people = people.map { person in
            let names = events.filter { $0.owner == person.number }.map(\.name)
            let tokens = devices.filter { $0.value == person.number }.keys.sorted()
            let related = (relationships[person.number] ?? [:]).map { "\($0.key)=\(Self.text($0.value))" }.sorted()
            return "\(Self.cioId(person.number)) \(person.id ?? "-") \(person.email?.lowercased() ?? "-") "
                + "\(Self.text(person.attributes)) \(tokens) \(related) \(names)"
        }
        return (people + objects.map { "object \($0)" }).sorted()
    }

    private static func text(_ attributes: [String: Value]) -> String {
        attributes.compactMap { name, value in value.value.map { "\(name):\($0)" } }.sorted().joined(separator: ",")
    }
}
