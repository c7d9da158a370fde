import LosslessJSON
import Storage

/// Events, devices, merging, deleting and suppressing people.
extension Execution {
    // MARK: Events

    /// track-api.md §12, and §13 for anonymous ones.
    func record(_ event: PersonEvent) throws {
        let subject: ActivityEntry.Subject
        switch event.subject {
        case .person(let identifier):
            // A repetition makes nobody either, and an event that is dropped is not known afterwards.
            if let reason = try reasonToIgnore(identifier) {
                return try drop(event.type, of: identifier, because: reason)
            }
            guard try isNew(event) else { return try drop(event.type, of: identifier, because: .repeatedEvent) }
            guard let person = try personOrNew(identifier, for: event.type) else { return }
            subject = .person(person.key)
        case .anonymous(let id):
            guard try isNew(event) else { return try drop(event.type, because: .repeatedEvent) }
            subject = try anonymousSubject(id)
        case nil:
            guard try isNew(event) else { return try drop(event.type, because: .repeatedEvent) }
            subject = .nobody(identifiers: JSON.Object())
        }
        try workspace.log(
            ActivityEntry(
                subject: subject,
                type: event.type,
                timestamp: event.time,
                loggedAt: now,
                name: event.name,
                data: .object(event.attributes)
            )
        )
    }

    private func reasonToIgnore(_ identifier: PersonIdentifier) throws -> DropReason? {
        if try workspace.isSuppressed(identifier) { return .suppressed }
        var isCioId = false
        if case .cioId = identifier { isCioId = true }
        guard isCioId || !settings.eventsMakePeople, try workspace.person(identifier) == nil else { return nil }
        return isCioId ? .unknownCioId : .eventsMakeNobody
    }

    private func isNew(_ event: PersonEvent) throws -> Bool {
        guard let id = event.id else { return true }
        let oldest = settings.eventIdDays.map { now.subtractingReportingOverflow($0 * 86_400).partialValue }
        return try workspace.rememberEvent(id, at: now, knownSince: oldest)
    }

    /// The person whom the id was joined with within the grace time, else nobody yet (track-api.md §13).
    private func anonymousSubject(_ id: String) throws -> ActivityEntry.Subject {
        let oldest = now.subtractingReportingOverflow(Self.anonymousSeconds).partialValue
        try workspace.forgetAnonymousActivity(loggedBefore: oldest, limit: 2)
        if settings.mergesAnonymousEvents, let joined = try workspace.person(joinedWith: id) {
            let age = now.subtractingReportingOverflow(joined.at).partialValue
            if age <= Self.graceSeconds { return .person(joined.person) }
        }
        return .anonymous(id)
    }

    // MARK: Devices

    /// track-api.md §16: a token belongs to one person; adding it again updates it or moves it.
    func addDevice(of identifier: PersonIdentifier, _ update: DeviceUpdate) throws {
        guard let person = try personOrNew(identifier, for: "add_device") else { return }
        var device = StoredDevice(
            person: person.key,
            token: update.token,
            platform: update.platform,
            lastUsed: update.lastUsed,
            attributes: JSON.Object()
        )
        if let old = try workspace.device(update.token), old.person == person.key {
            device.attributes = old.attributes
        }
        device.attributes = device.attributes.overlaid(with: update.attributes)
            .compactMapValues { $0.removesAttribute ? nil : $0 }
        guard device.attributes.count <= TrackLimit.attributes else {
            return try log("failed_attribute_change", of: person, data: update.attributes)
        }
        try workspace.setDevice(device)
        let data: JSON.Object = [
            "token": .string(update.token), "platform": .string(update.platform),
            "last_used": .number(JSON.Number(update.lastUsed)),
        ]
        try log("device_change", of: person, data: data)
    }

    func deleteDevice(of identifier: PersonIdentifier, token: String) throws {
        guard let person = try existingPerson(identifier, for: "delete_device") else { return }
        guard let device = try workspace.device(token), device.person == person.key else {
            return try drop("delete_device", of: identifier, because: .notTheirDevice)
        }
        try workspace.removeDevice(token)
        try log("device_change", of: person, data: ["token": .string(token), "deleted": true])
    }

    // MARK: Merge

    /// track-api.md §14.1: without a primary, without a secondary, and with a suppressed side nothing happens.
    func merge(primary: PersonIdentifier, secondary: PersonIdentifier) throws {
        guard let survivor = try existingPerson(primary, for: "merge"),
            let other = try existingPerson(secondary, for: "merge")
        else { return }
        guard survivor.key != other.key else { return try drop("merge", of: primary, because: .samePerson) }
        _ = try merge(other, into: survivor)
    }

    /// Gives the primary what §14.2 says, removes the secondary, and returns the primary as it is then.
    func merge(_ secondary: StoredPerson, into primary: StoredPerson) throws -> StoredPerson {
        let attributes = try workspace.attributes(of: primary.key)
            .inheriting(from: workspace.attributes(of: secondary.key), topics: settings.topicConflicts)
        try workspace.setAttributes(attributes, of: primary.key)
        try workspace.moveEvents(from: secondary.key, to: primary.key)
        try workspace.moveDevices(from: secondary.key, to: primary.key)
        try workspace.moveRelationships(from: secondary.key, to: primary.key)
        try workspace.moveAnonymousIds(from: secondary.key, to: primary.key)
        try workspace.moveSegments(from: secondary.key, to: primary.key)
        try workspace.moveDeliveries(from: secondary.key, to: primary.key)
        // The secondary goes first: an identifier has one owner at a time.
        try workspace.remove(secondary.key)
        var survivor = primary
        survivor.id = primary.id ?? secondary.id
        survivor.email = primary.email ?? secondary.email
        try workspace.setIdentifiers(of: survivor)
        try log("profile_merge", of: survivor, data: ["secondary": .object(secondary.identifiers)])
        try log("profile_delete", .nobody(identifiers: secondary.identifiers))
        return survivor
    }

    // MARK: Delete and suppress

    /// track-api.md §15.1.
    func delete(_ identifier: PersonIdentifier) throws {
        guard let person = try existingPerson(identifier, for: "delete") else { return }
        try workspace.remove(person.key)
        try log("profile_delete", .nobody(identifiers: person.identifiers))
    }

    /// track-api.md §15.2: blocks the identifier that was passed. A cio_id dies with the profile, so for one the id and
    /// the e-mail address are blocked with it: else nothing would be. By a setting they always are.
    func suppress(_ identifier: PersonIdentifier) throws {
        if try workspace.isSuppressed(identifier) {
            return try drop("suppress", of: identifier, because: .suppressedAlready)
        }
        var blocked = [identifier]
        if let person = try workspace.person(identifier) {
            var reach = settings.suppressionReach
            if case .cioId = identifier { reach = .all }
            if reach == .all {
                blocked += [person.id.map { .id($0) }, person.email.map { .email($0) }].compactMap(\.self)
                    .filter { $0 != identifier }
            }
            try workspace.remove(person.key)
            // Redacted: the log does not tell whose profile it was.
            try log("profile_delete", .nobody(identifiers: JSON.Object()))
        }
        try workspace.suppress(blocked)
    }
}
