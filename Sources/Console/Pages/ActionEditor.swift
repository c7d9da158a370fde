import LosslessJSON

/// One action of an integration: what it does, on a real event, and how that is changed.
extension Console {
    func action(_ visit: ConsoleVisit) async throws -> Outcome {
        let draft = try await draft(of: visit["name"])
        return .page(try await actionPage(visit, try await known(visit), draft, entered: nil, ["isUnsaved": false]))
    }

    /// What the form says: shown against real events, or saved.
    func editAction(_ visit: ConsoleVisit) async throws -> Outcome {
        var draft = try await draft(of: visit["name"])
        let action = try await known(visit)
        var form = visit.request.form
        if let condition = Self.condition(visit) {
            let trigger = form["trigger"] ?? ""
            form["trigger"] = trigger.isEmpty ? condition : "(\(trigger)) \(visit.field("join") ?? "and") \(condition)"
        }
        draft[action: visit["action"]] = Self.settings(of: action, form, before: draft[action: visit["action"]])
        do {
            let words = try await fault(inTrigger: draft[action: visit["action"]]["trigger"].text ?? "")
            if !words.isEmpty { throw AdminAPIClient.Refusal(status: 400, words: words) }
            if visit.field("act") == "save" {
                let said = try await save(draft)
                return .goTo(Self.path(ofAction: visit["action"], in: visit["name"]), said: said)
            }
            // The script asks for this while somebody types.
            if visit.field("act") == "example" {
                return .page(try await actionPage(visit, action, draft, entered: form, ["isUnsaved": true]))
            }
            let comparison = try await comparison(of: draft)
            return .page(
                try await actionPage(
                    visit,
                    action,
                    draft,
                    entered: form,
                    ["comparison": comparison, "isUnsaved": true]
                )
            )
        } catch let refusal as AdminAPIClient.Refusal where refusal.status == 400 {
            return .page(
                try await actionPage(visit, action, draft, entered: form, ["fault": refusal.words, "isUnsaved": true])
            )
        }
    }

    func switchAction(_ visit: ConsoleVisit) async throws -> Outcome {
        var draft = try await draft(of: visit["name"])
        var settings = draft[action: visit["action"]]
        settings["enabled"] = visit.field("on") == nil ? false : nil
        draft[action: visit["action"]] = settings
        return .goTo(
            "/console/integrations/\(visit["name"].asSegment)/actions",
            said: try await save(draft)
        )
    }

    /// Whether a trigger can be read, for the script: a text that is empty when it can.
    func checkTrigger(_ visit: ConsoleVisit) async throws -> Outcome {
        .text(try await fault(inTrigger: visit.request.form["trigger"] ?? ""))
    }

    /// What is wrong with a trigger, and where; empty for none. Without one there is the default.
    private func fault(inTrigger trigger: String) async throws -> String {
        guard !trigger.isEmpty else { return "" }
        let check = try await api.post(["triggers", "check"], ["trigger": .string(trigger)])
        return check["valid"] == true ? "" : check["excerpt"].words + "\n" + check["words"].words
    }

    static func path(ofAction action: String, in integration: String) -> String {
        "/console/integrations/\(integration.asSegment)/actions/\(action.percentEncoded)"
    }

    private func known(_ visit: ConsoleVisit) async throws -> JSON {
        let actions = try await api.get(["integrations", visit["name"], "actions"])["items"].list
        guard let action = actions.first(where: { $0["name"].text == visit["action"] }) else {
            throw AdminAPIClient.Refusal(status: 404, words: "There is no action \(visit["action"]).")
        }
        return action
    }

    // MARK: The form

    /// A condition of the builder, if one is to be added.
    private static func condition(_ visit: ConsoleVisit) -> String? {
        guard visit.field("act") == "add", let field = visit.field("subject") else { return nil }
        let value = visit.field("value") ?? ""
        let isBare = JSON.Number(value) != nil || ["true", "false", "null"].contains(value)
        let quoted = isBare ? value : JSON.string(value).description
        switch visit.field("operator") ?? "=" {
        case "contains": return "contains(\(field), \(quoted))"
        case "match": return "match(\(field), \(quoted))"
        case let comparison: return "\(field) \(comparison) \(quoted)"
        }
    }

    /// The settings that a form means: what is as by default is left out.
    private static func settings(of action: JSON, _ form: [String: String], before: JSON.Object) -> JSON.Object {
        var settings = before
        settings["enabled"] = form["enabled"] == nil ? false : nil
        guard action["lockedBecause"] == .null else { return settings }
        let trigger = form["trigger"] ?? ""
        let isDefault = trigger.isEmpty || action["defaultTrigger"].text?.hasSameBytes(as: trigger) == true
        settings["trigger"] = isDefault ? nil : .string(trigger)
        var mapping = JSON.Object()
        for field in action["fields"].list {
            let name = field["name"].words
            if let typed = TypedMapping.mapping(of: form["mapping.\(name)"] ?? "") { mapping[name] = typed }
        }
        settings["mapping"] = mapping.isEmpty ? nil : .object(mapping)
        settings["convert_timestamps"] = form["convertTimestamps"] == nil ? false : nil
        settings["enable_batching"] = form["enableBatching"] == nil ? false : nil
        let size = form["batchSize"].flatMap(Int64.init) ?? 50
        settings["batch_size"] = size == 50 ? nil : .number(JSON.Number(size))
        return settings
    }

    // MARK: The page

    private func actionPage(
        _ visit: ConsoleVisit,
        _ action: JSON,
        _ draft: Draft,
        entered: [String: String]?,
        _ more: View
    ) async throws -> Page {
        let name = visit["name"]
        var view = summary(of: action)
        view["path"] = Self.path(ofAction: visit["action"], in: name)
        view["actionsPath"] = "/console/integrations/\(name.asSegment)/actions"
        view["trigger"] = entered?["trigger"] ?? action["trigger"].words
        view["defaultTrigger"] = action["defaultTrigger"].words
        view["isOn"] = entered.map { $0["enabled"] != nil } ?? (action["enabled"] == true)
        view["convertTimestamps"] =
            entered.map { $0["convertTimestamps"] != nil } ?? (action["convertTimestamps"] == true)
        view["enableBatching"] = entered.map { $0["enableBatching"] != nil } ?? (action["enableBatching"] == true)
        view["batchSize"] = entered?["batchSize"] ?? action["batchSize"].words
        view["fields"] = action["fields"].list.map { field -> View in
            let key = field["name"].words
            return [
                "name": key, "label": field["label"].words, "help": field["help"].text ?? "",
                "isRequired": field["required"] == true, "default": field["default"].words,
                "mapping": entered?["mapping.\(key)"] ?? TypedMapping.text(of: field["mapping"] ?? .null),
            ]
        }
        view["isLocked"] = (action["lockedBecause"] ?? .null) != .null
        let sample = try await example(
            of: visit["action"],
            in: name,
            visit.query("event") ?? visit.field("event"),
            by: entered == nil || more["fault"] != nil ? nil : draft
        )
        view["sample"] = sample as Any
        view.merge(more) { $1 }
        return try await tab("actions", of: name, template: "action", view: view)
    }

    func summary(of action: JSON) -> View {
        [
            "name": action["name"].words, "heading": action["title"].words, "description": action["description"].words,
            "trigger": action["trigger"].words, "isOn": action["enabled"] == true,
            "isChanged": action["changed"] == true, "locked": action["lockedBecause"].text ?? "",
        ]
    }

    /// A recent event that the action fires for, or the one that was asked for, with what is made of it: by the draft, if there is
    /// one.
    private func example(
        of action: String,
        in name: String,
        _ number: String?,
        by draft: Draft?
    ) async throws -> View? {
        var chosen = number
        if chosen == nil {
            let query: KeyValuePairs<String, String?> = ["integration": name, "action": action, "limit": "1"]
            chosen = try await api.get(["events"], query)["items"].list.first?["number"].words
        }
        guard let chosen else { return nil }
        let story = try await api.get(["events", chosen])
        var delivery = story["integrations"].list.first { $0["integration"].text == name }
        if let draft, let seq = Int64(chosen) {
            let wish: JSON = ["yaml": .string(draft.yaml), "event": .number(JSON.Number(seq))]
            delivery = try await api.post(["preview", "event"], wish)
        }
        let own = delivery?["operations"].list.filter { $0["action"].text == action } ?? []
        let trace = delivery?["trace"].list.first { $0["action"].text == action }
        return [
            "number": chosen, "isOfDraft": draft != nil, "path": "/console/events/\(chosen)",
            "message": (story["message"] ?? .null).shown.text,
            "operations": own.map { ["path": $0["path"].words, "body": ($0["body"] ?? .null).shown.text] },
            "conversions": Self.conversions(trace, own.first), "makesNothing": own.isEmpty,
            "reason": trace?["trigger"]?["reason"].words ?? "",
            "origins": trace?["fields"].list.map { field -> View in
                [
                    "field": field["field"].words, "from": field["from"].words,
                    "value": field["value"].words.shortened(to: 200),
                ]
            } ?? [],
        ]
    }

    /// Times that became Unix seconds, before and after: texts of an attribute where a number is sent.
    private static func conversions(_ trace: JSON?, _ operation: JSON?) -> [View] {
        let fields = trace?["fields"].list ?? []
        let values = fields.first { $0["field"] == "attributes" }?["value"]?.objectValue ?? [:]
        return values.compactMap { member in
            guard case .string(let before) = member.value,
                case .number(let after)? = operation?["body"]?["attributes"]?[member.key]
            else { return nil }
            return ["name": member.key, "before": before.shortened(to: 100), "after": after.text]
        }
    }
}
