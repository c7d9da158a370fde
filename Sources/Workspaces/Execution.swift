import LosslessJSON
import Storage

/// Carries out commands on one workspace, at the time of their receipt.
struct Execution {
    let workspace: WorkspaceTransaction
    let settings: WorkspaceSettings
    /// Unix seconds.
    let now: Int64

    func carryOut(_ command: Command) throws {
        switch command {
        case .identifyPerson(let update): try identify(update)
        case .identifyAnonymous: try drop("identify", because: .anonymousAlone)
        case .deletePerson(let person): try delete(person)
        case .event(let event): try record(event)
        case .addRelationships(let person, let links, let time): try addRelationships(of: person, links, at: time)
        case .deleteRelationships(let person, let links): try deleteRelationships(of: person, links)
        case .addDevice(let person, let update): try addDevice(of: person, update)
        case .deleteDevice(let person, let token): try deleteDevice(of: person, token: token)
        case .merge(let primary, let secondary): try merge(primary: primary, secondary: secondary)
        case .suppress(let person): try suppress(person)
        case .unsuppress(let person): try workspace.unsuppress(person)
        case .identifyObject(let update): try identify(update)
        case .deleteObject(let object): try delete(object)
        case .deleteObjectRelationships(let object, let links): try deleteRelationships(of: object, links)
        case .metric(let metric, let channel): try record(metric, by: channel)
        case .registerForm(let id): try workspace.registerForm(id, at: now)
        case .submitForm(let id, let update):
            try workspace.registerForm(id, at: now)
            try workspace.countSubmission(ofForm: id, at: now)
            try identify(update)
        case .changeSegment(let segment, let isAddition, let people):
            try change(segment, isAddition: isAddition, people)
        case .unsubscribe(let deliveryId, let isUnsubscribed):
            try unsubscribe(recipientOf: deliveryId, isUnsubscribed)
        }
    }

    // MARK: Whom it concerns

    /// The person of a call that makes one when there is none (track-api.md §6.3); `nil` when the call is ignored: the
    /// identifier is suppressed (§15.2), or a cio_id that nobody has.
    func personOrNew(_ identifier: PersonIdentifier, for action: String) throws -> StoredPerson? {
        if try workspace.isSuppressed(identifier) {
            try drop(action, of: identifier, because: .suppressed)
            return nil
        }
        if let person = try workspace.person(identifier) { return person }
        switch identifier {
        case .id(let id): return try make(id: id, email: nil)
        case .email(let email): return try make(id: nil, email: email)
        case .phone(let phone):
            let person = try make(id: nil, email: nil)
            var attributes = AttributeSet()
            attributes.set(AttributeSet.Entry(name: "phone", value: .string(phone), time: now))
            try workspace.setAttributes(attributes, of: person.key)
            return person
        case .cioId:
            try drop(action, of: identifier, because: .unknownCioId)
            return nil
        }
    }

    /// The person of a call that makes nobody; `nil` when there is none, or the identifier is suppressed.
    func existingPerson(_ identifier: PersonIdentifier, for action: String) throws -> StoredPerson? {
        if try workspace.isSuppressed(identifier) {
            try drop(action, of: identifier, because: .suppressed)
            return nil
        }
        guard let person = try workspace.person(identifier) else {
            try drop(action, of: identifier, because: .unknownPerson)
            return nil
        }
        return person
    }

    func make(id: String?, email: String?) throws -> StoredPerson {
        var person = try workspace.addPerson(id: id, email: email, madeAt: now, cioId: MadeIdentifier.person)
        if !settings.takesIds {
            // Where people are known by their address they have an id all the same, which is made for them (§5).
            person.id = person.cioId
            try workspace.setIdentifiers(of: person)
        }
        try log("profile_create", of: person)
        return person
    }

    // MARK: Activity

    func log(_ type: String, of person: StoredPerson, data: JSON.Object? = nil) throws {
        try log(type, .person(person.key), data: data)
    }

    func log(_ type: String, _ subject: ActivityEntry.Subject, data: JSON.Object? = nil) throws {
        try workspace.log(
            ActivityEntry(subject: subject, type: type, timestamp: now, loggedAt: now, data: data.map(JSON.object))
        )
    }
}

extension StoredPerson {
    /// `{"id","email","cio_id"}`, `null` where unset.
    var identifiers: JSON.Object {
        ["id": id.map(JSON.string) ?? .null, "email": email.map(JSON.string) ?? .null, "cio_id": .string(cioId)]
    }
}
