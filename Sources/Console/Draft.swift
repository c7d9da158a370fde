import LosslessJSON

/// An integration as somebody is changing it: its section of a configuration, as the newest revision has it.
struct Draft {
    let name: String
    var section: JSON.Object
    /// The revision that it was taken from; `nil` for a new integration.
    let base: Int64?

    /// What is applied. JSON is YAML, and numbers and texts stay what they are in it.
    var yaml: String {
        var section = section
        if let base { section["revision"] = .number(JSON.Number(base)) }
        return JSON.object(["integrations": .object([name: .object(section)])]).description
    }

    /// What the section says of an action; empty where that is nothing.
    subscript(action name: String) -> JSON.Object {
        get { section["actions"]?[name]?.objectValue ?? [:] }
        set {
            var actions = section["actions"]?.objectValue ?? [:]
            actions[name] = newValue.isEmpty ? nil : .object(newValue)
            section["actions"] = actions.isEmpty ? nil : .object(actions)
        }
    }

    subscript(setting name: String) -> String? {
        get { section["settings"]?[name]?.stringValue }
        set {
            var settings = section["settings"]?.objectValue ?? [:]
            settings[name] = newValue.map(JSON.string)
            section["settings"] = settings.isEmpty ? nil : .object(settings)
        }
    }
}

/// A mapping as a person types it: a short form as it is, everything else as JSON.
enum TypedMapping {
    static func text(of mapping: JSON) -> String {
        guard case .string(let text) = mapping else { return mapping == .null ? "" : mapping.description }
        // What JSON would take for something else than a text is told apart by quotes.
        return (try? JSON(parsing: Array(text.utf8))) == nil ? text : mapping.description
    }

    /// `nil` for none.
    static func mapping(of text: String) -> JSON? {
        guard text.contains(where: { !$0.isWhitespace }) else { return nil }
        return (try? JSON(parsing: Array(text.utf8))) ?? .string(text)
    }
}

extension Console {
    /// An integration's newest revision, to be changed.
    func draft(of name: String) async throws -> Draft {
        let number = try await api.get(["integrations", name])["revision"].words
        let revision = try await api.get(["integrations", name, "revisions", number])
        return Draft(name: name, section: revision["section"]?.objectValue ?? [:], base: Int64(number))
    }

    /// What a draft would change of the last thousand events, for a page.
    func comparison(of draft: Draft) async throws -> View {
        let found = try await api.post(["preview"], ["yaml": .string(draft.yaml), "last": 1_000, "samples": 5])
        guard let comparison = found["items"].list.first else { return [:] }
        let counts = comparison["actions"]?.objectValue ?? [:]
        return [
            "events": comparison["events"].count.grouped, "changed": comparison["changedEvents"].count.grouped,
            "isNothing": comparison["changedEvents"].count == 0,
            "actions": counts.map { member -> View in
                [
                    "action": member.key, "present": member.value["present"].words,
                    "proposed": member.value["proposed"].words, "changed": member.value["changed"].words,
                ]
            },
            "samples": comparison["samples"].list.map { sample -> View in
                [
                    "event": sample["event"].words, "path": "/console/events/\(sample["event"].words)",
                    "differences": sample["differences"].list.map(Self.difference),
                ]
            },
        ]
    }

    private static func difference(_ difference: JSON) -> View {
        [
            "action": difference["action"].words, "change": difference["change"].words,
            "reason": difference["reason"].text ?? "",
            "fields": difference["fields"].list.prefix(20).map { field -> View in
                [
                    "path": field["path"].words, "present": field["present"].words.shortened(to: 150),
                    "proposed": field["proposed"].words.shortened(to: 150),
                ]
            },
        ]
    }

    /// Makes a draft hold from the next event on.
    func save(_ draft: Draft) async throws -> String {
        let answer = try await api.post(["configuration"], ["yaml": .string(draft.yaml)])
        let change = answer["items"].list.first
        guard let revision = change?["revision"], revision != .null else { return "Nothing was changed." }
        return "Saved as revision \((revision as JSON?).words): it holds from the next event on."
    }
}
