import LosslessJSON
import Storage

/// Identify: whom it touches and what it may change (track-api.md §6.2; the rows are those of its table).
extension Execution {
    /// What an identify comes to before anything is changed.
    private enum Decision {
        /// Rows 1, 3 and 5: accepted, and nothing happens.
        case ignore(DropReason)
        /// Row 4.
        case create
        /// Rows 2, 6 and 9: this person, with these identifiers.
        case update(StoredPerson)
        /// Row 10, when the conditions of §14.3 hold.
        case mergeThenUpdate(primary: StoredPerson, secondary: StoredPerson)
        /// Rows 7, 8 and 10: refused, with a trace in the log.
        case fail(StoredPerson?)
    }

    func identify(_ update: PersonUpdate) throws {
        if try namesSuppressed(update) { return try drop("identify", because: .suppressed) }
        switch try decide(update) {
        case .ignore(let reason): try drop("identify", of: update.person, because: reason)
        case .fail(let person):
            try logFailure(update, of: person)
            if settings.keepsAttributesOfRefusedIdentify, let person {
                try change(person, by: update, identifierChanges: JSON.Object())
            }
        case .create:
            let person = try make(id: update.text(of: .id), email: update.text(of: .email))
            try change(person, by: update, identifierChanges: JSON.Object())
        case .update(let person):
            let changes = try setIdentifiers(of: person)
            try change(person, by: update, identifierChanges: changes)
        case .mergeThenUpdate(let primary, let secondary):
            let survivor = try merge(secondary, into: primary)
            try change(survivor, by: update, identifierChanges: JSON.Object())
        }
    }

    /// Row 1.
    private func namesSuppressed(_ update: PersonUpdate) throws -> Bool {
        try ([update.person] + update.identifiersAmongAttributes).contains { try workspace.isSuppressed($0) }
    }

    private func decide(_ update: PersonUpdate) throws -> Decision {
        let found = try workspace.person(update.person)
        if case .cioId = update.person {
            guard let found else { return .ignore(.unknownCioId) }
            return try decideByCioId(update, of: found)
        }
        // The identifier of the call and one of the same kind among the attributes contradict each other.
        guard !update.contradictsItself else { return .fail(found) }
        var owners: [StoredPerson] = []
        for identifier in update.identifiersAmongAttributes {
            if let owner = try workspace.person(identifier), !owners.contains(where: { $0.key == owner.key }) {
                owners.append(owner)
            }
        }
        if let found {
            let others = owners.filter { $0.key != found.key }
            guard let other = others.first else { return try filling(found, from: update) }
            return others.count == 1 && mayMerge(found, other, update)
                ? .mergeThenUpdate(primary: min(found, other), secondary: max(found, other)) : .fail(found)
        }
        guard let owner = owners.first else { return update.isUpdateOnly ? .ignore(.updateOnly) : .create }
        guard owners.count == 1 else { return .fail(nil) }
        return try renaming(owner, from: update)
    }

    /// Row 2: identifiers change freely, unless somebody else owns the new one.
    private func decideByCioId(_ update: PersonUpdate, of person: StoredPerson) throws -> Decision {
        var person = person
        for identifier in update.identifiersAmongAttributes {
            if let owner = try workspace.person(identifier), owner.key != person.key { return .fail(person) }
            if case .cioId(let cioId) = identifier, !cioId.hasSameBytes(as: person.cioId) { return .fail(person) }
        }
        switch update.id {
        case .absent: break
        case .cleared: person.id = nil
        case .value(let id): person.id = id
        }
        switch update.email {
        case .absent: break
        case .cleared: person.email = nil
        case .value(let email): person.email = email
        }
        return .update(person)
    }

    /// Rows 6, 7 and 8: an identifier that is not set is filled, one that is set stays.
    private func filling(_ person: StoredPerson, from update: PersonUpdate) throws -> Decision {
        var filled = person
        if let id = update.id.text {
            guard filled.id?.hasSameBytes(as: id) ?? true else { return .fail(person) }
            filled.id = id
        }
        if let email = update.email.text {
            let isSame = filled.email.map { PersonIdentifier.email($0) == .email(email) } ?? true
            guard isSame || mayReplaceEmail(update) else { return .fail(person) }
            filled.email = isSame ? filled.email ?? email : email
        }
        // A number that is set stays, as an address does; the owner's own goes on below with the attributes.
        if let phone = update.phone, let old = try workspace.attributes(of: person.key)["phone"]?.value {
            guard old == .string(phone) else { return .fail(person) }
        }
        return .update(filled)
    }

    /// Row 7, with the setting.
    private func mayReplaceEmail(_ update: PersonUpdate) -> Bool {
        guard settings.updatesEmailUsingId, case .id = update.person else { return false }
        return true
    }

    /// Row 9: the owner of an identifier among the attributes gets that of the call, also in the place of one they had.
    private func renaming(_ person: StoredPerson, from update: PersonUpdate) throws -> Decision {
        guard case .update(var renamed) = try filling(person, from: update) else { return .fail(person) }
        switch update.person {
        case .id(let id): renamed.id = id
        case .email(let email): renamed.email = email
        // A phone number is one of the attributes, and set with them.
        case .cioId, .phone: break
        }
        return .update(renamed)
    }

    /// The conditions of an automatic merge (§14.3): the call names an id and an e-mail address, the owner of the id
    /// has no address and the owner of the address has no id.
    private func mayMerge(_ found: StoredPerson, _ other: StoredPerson, _ update: PersonUpdate) -> Bool {
        guard settings.mergesAutomatically, update.cioId == nil else { return false }
        switch update.person {
        case .id: return update.email.text != nil && found.email == nil && other.id == nil
        case .email: return update.id.text != nil && found.id == nil && other.email == nil
        case .cioId, .phone: return false
        }
    }

    private func min(_ left: StoredPerson, _ right: StoredPerson) -> StoredPerson {
        left.key < right.key ? left : right
    }

    private func max(_ left: StoredPerson, _ right: StoredPerson) -> StoredPerson {
        left.key < right.key ? right : left
    }

    // MARK: Changing

    /// Stores the identifiers of `person` where they differ, and returns the differences for the log.
    private func setIdentifiers(of person: StoredPerson) throws -> JSON.Object {
        guard let old = try workspace.person(at: person.key) else { return JSON.Object() }
        var changes = JSON.Object()
        if !(old.id.isSame(as: person.id)) {
            changes["id"] = ["from": .string(old.id ?? ""), "to": .string(person.id ?? "")]
        }
        if !(old.email.isSame(as: person.email)) {
            changes["email"] = ["from": .string(old.email ?? ""), "to": .string(person.email ?? "")]
        }
        if !changes.isEmpty { try workspace.setIdentifiers(of: person) }
        return changes
    }

    private func change(
        _ person: StoredPerson,
        by update: PersonUpdate,
        identifierChanges: JSON.Object
    ) throws {
        var changed = identifierChanges
        if !update.attributes.isEmpty {
            let outcome = try workspace.attributes(of: person.key).applying(update.attributes, at: update.time)
            try workspace.setAttributes(outcome.attributes, of: person.key)
            changed = changed.overlaid(with: outcome.changed)
            if !outcome.outdated.isEmpty { try log("skipped_update", of: person, data: outcome.outdated) }
            if !outcome.surplus.isEmpty { try log("failed_attribute_change", of: person, data: outcome.surplus) }
        }
        if !changed.isEmpty { try log("attribute_change", of: person, data: changed) }
        if let anonymousId = update.anonymousId { try join(anonymousId, with: person) }
        try addRelationships(of: person, update.links, at: update.time)
        try endRelationships(of: person, update.endedLinks)
    }

    private func logFailure(_ update: PersonUpdate, of person: StoredPerson?) throws {
        var data = JSON.Object()
        if let id = update.id.text {
            data["id"] = ["from": .string(person?.id ?? ""), "to": .string(id)]
        }
        if let email = update.email.text {
            data["email"] = ["from": .string(person?.email ?? ""), "to": .string(email)]
        }
        if let cioId = update.cioId {
            data["cio_id"] = ["from": .string(person?.cioId ?? ""), "to": .string(cioId)]
        }
        if let person {
            try log("failed_attribute_change", of: person, data: data)
        } else {
            let identifiers: JSON.Object =
                switch update.person {
                case .id(let id): ["id": .string(id)]
                case .email(let email): ["email": .string(email)]
                case .cioId(let cioId): ["cio_id": .string(cioId)]
                case .phone(let phone): ["phone": .string(phone)]
                }
            try log("failed_attribute_change", .nobody(identifiers: identifiers), data: data)
        }
    }

    // MARK: Anonymous activity

    /// Kept for 30 days (track-api.md §13).
    static let anonymousSeconds: Int64 = 30 * 24 * 60 * 60
    /// Events that arrive this long after the identify are attached too (track-api.md §13).
    static let graceSeconds: Int64 = 5 * 60

    /// Gives a person the events and relationships of an anonymous id that nobody has been given yet (§13, §17.4).
    private func join(_ anonymousId: String, with person: StoredPerson) throws {
        guard settings.mergesAnonymousEvents else {
            return try drop("anon_merge", because: .anonymousMergeOff)
        }
        let oldest = now.subtractingReportingOverflow(Self.anonymousSeconds).partialValue
        let events = try workspace.attachActivity(ofAnonymous: anonymousId, to: person.key, loggedSince: oldest)
        let held = try workspace.takeHeldRelationships(ofAnonymous: anonymousId)
        for (object, attributes) in held {
            try addHeldRelationship(of: person, with: object, attributes: attributes)
        }
        try workspace.join(anonymousId: anonymousId, with: person.key, at: now)
        guard events > 0 || !held.isEmpty else { return }
        let data: JSON.Object = [
            "anonymous_id": .string(anonymousId), "events": .number(JSON.Number(events)),
            "relationships": .number(JSON.Number(held.count)),
        ]
        try log("anon_merge", of: person, data: data)
    }
}

extension PersonUpdate {
    enum Kind { case id, email }

    /// The identifiers among the attributes that have a value.
    var identifiersAmongAttributes: [PersonIdentifier] {
        var identifiers: [PersonIdentifier] = []
        if let id = id.text { identifiers.append(.id(id)) }
        if let email = email.text { identifiers.append(.email(email)) }
        if let cioId { identifiers.append(.cioId(cioId)) }
        if let phone { identifiers.append(.phone(phone)) }
        return identifiers
    }

    /// Whether the attributes hold another value of the kind by which the call names the person.
    var contradictsItself: Bool {
        switch person {
        case .id: id.text.map { PersonIdentifier.id($0) != person } ?? false
        case .email: email.text.map { PersonIdentifier.email($0) != person } ?? false
        case .cioId: false
        case .phone: phone.map { PersonIdentifier.phone($0) != person } ?? false
        }
    }

    /// The identifier that a person made by this call gets.
    func text(of kind: Kind) -> String? {
        switch (kind, person) {
        case (.id, .id(let id)): id
        case (.email, .email(let email)): email
        case (.id, _): id.text
        case (.email, _): email.text
        }
    }
}

extension String? {
    fileprivate func isSame(as other: String?) -> Bool {
        switch (self, other) {
        case (nil, nil): true
        case (let left?, let right?): left.hasSameBytes(as: right)
        default: false
        }
    }
}
