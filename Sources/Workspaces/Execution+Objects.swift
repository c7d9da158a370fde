import LosslessJSON
import Storage

/// Objects and relationships (track-api.md §17).
extension Execution {
    // MARK: Objects

    /// The object, made if it is missing; `nil` for a `cio_object_id` that no object has.
    private func objectOrNew(_ reference: ObjectReference) throws -> StoredObject? {
        if let object = try existingObject(reference) { return object }
        guard case .typed(let type, let id) = reference else { return nil }
        let object = try workspace.addObject(type: type, id: id, madeAt: now) { workspace, number in
            MadeIdentifier.object(workspace: workspace, type: type, number: number)
        }
        try log("_o:\(type):create", of: object)
        return object
    }

    private func existingObject(_ reference: ObjectReference) throws -> StoredObject? {
        switch reference {
        case .typed(let type, let id): try workspace.object(type: type, id: id)
        case .cioId(let cioId): try workspace.object(cioId: cioId)
        }
    }

    func identify(_ update: ObjectUpdate) throws {
        guard let object = try objectOrNew(update.object) else {
            return try drop("identify", because: .unknownObject)
        }
        if !update.attributes.isEmpty {
            let outcome = try workspace.attributes(of: object.key)
                .applying(update.attributes, at: update.time, bytes: TrackLimit.objectAttributes)
            try workspace.setAttributes(outcome.attributes, of: object.key)
            if !outcome.changed.isEmpty { try log("_o:\(object.type):attribute_change", of: object, outcome.changed) }
            if !outcome.surplus.isEmpty {
                try log("_o:\(object.type):failed_attribute_change", of: object, outcome.surplus)
            }
        }
        for link in update.links {
            switch link.subject {
            case .person(let identifier):
                guard let person = try personOrNew(identifier, for: "add_relationships") else { continue }
                try relate(person, object, link.attributes, at: update.time)
            case .anonymous(let id):
                try relateAnonymous(id, object, link.attributes, at: update.time)
            }
        }
    }

    /// Its relationships go with it; the people stay.
    func delete(_ reference: ObjectReference) throws {
        guard let object = try existingObject(reference) else { return try drop("delete", because: .unknownObject) }
        for (person, _) in try workspace.relationships(of: object.key) {
            try log("delete_relationship", of: person, data: object.identifiers)
        }
        try workspace.remove(object.key)
        try log("_o:\(object.type):delete", of: object)
    }

    private func log(_ type: String, of object: StoredObject, _ changes: JSON.Object? = nil) throws {
        var data = object.identifiers
        if let changes { data["attributes"] = .object(changes) }
        try log(type, .nobody(identifiers: JSON.Object()), data: data)
    }

    // MARK: Relationships

    func addRelationships(of identifier: PersonIdentifier, _ links: [ObjectLink], at time: Int64) throws {
        guard let person = try personOrNew(identifier, for: "add_relationships") else { return }
        try addRelationships(of: person, links, at: time)
    }

    func addRelationships(of person: StoredPerson, _ links: [ObjectLink], at time: Int64) throws {
        for link in links {
            guard let object = try objectOrNew(link.object) else {
                try drop("add_relationships", because: .unknownObject)
                continue
            }
            try relate(person, object, link.attributes, at: time)
        }
    }

    func deleteRelationships(of identifier: PersonIdentifier, _ links: [ObjectLink]) throws {
        guard let person = try existingPerson(identifier, for: "delete_relationships") else { return }
        try endRelationships(of: person, links)
    }

    func endRelationships(of person: StoredPerson, _ links: [ObjectLink]) throws {
        for link in links {
            guard let object = try existingObject(link.object) else {
                try drop("delete_relationships", because: .unknownObject)
                continue
            }
            try unrelate(person, object)
        }
    }

    func deleteRelationships(of reference: ObjectReference, _ links: [PersonLink]) throws {
        guard let object = try existingObject(reference) else {
            return try drop("delete_relationships", because: .unknownObject)
        }
        for link in links {
            guard case .person(let identifier) = link.subject,
                let person = try existingPerson(identifier, for: "delete_relationships")
            else { continue }
            try unrelate(person, object)
        }
    }

    /// Adds a relationship, or changes the attributes of the one that is there.
    private func relate(
        _ person: StoredPerson,
        _ object: StoredObject,
        _ changes: JSON.Object,
        at time: Int64
    ) throws {
        let old = try workspace.relationship(of: person.key, with: object.key)
        let outcome = (old ?? AttributeSet())
            .applying(changes, at: time, bytes: TrackLimit.objectAttributes)
        guard old == nil || !changes.isEmpty else { return }
        try workspace.setRelationship(of: person.key, with: object.key, attributes: outcome.attributes)
        if old == nil {
            try logRelationship("add_relationship", person, object, outcome.attributes.values)
        } else if !outcome.changed.isEmpty {
            try logRelationship("relationship_attribute_change", person, object, outcome.changed)
        }
        if !outcome.surplus.isEmpty {
            try logRelationship("relationship_failed_attribute_change", person, object, outcome.surplus)
        }
    }

    private func unrelate(_ person: StoredPerson, _ object: StoredObject) throws {
        guard try workspace.relationship(of: person.key, with: object.key) != nil else { return }
        try workspace.removeRelationship(of: person.key, with: object.key)
        try log("delete_relationship", of: person, data: object.identifiers)
    }

    /// A relationship that becomes one when somebody is identified with the anonymous id (§17.4); at once when somebody
    /// was a moment ago, as with events.
    private func relateAnonymous(
        _ id: String,
        _ object: StoredObject,
        _ changes: JSON.Object,
        at time: Int64
    ) throws {
        if settings.mergesAnonymousEvents, let joined = try workspace.person(joinedWith: id),
            now.subtractingReportingOverflow(joined.at).partialValue <= Self.graceSeconds,
            let person = try workspace.person(at: joined.person)
        {
            return try relate(person, object, changes, at: time)
        }
        let old = try workspace.heldRelationship(ofAnonymous: id, with: object.key) ?? AttributeSet()
        let outcome = old.applying(changes, at: time, bytes: TrackLimit.objectAttributes)
        try workspace.holdRelationship(ofAnonymous: id, with: object.key, attributes: outcome.attributes)
    }

    /// Makes a held relationship a real one. Where there is one already, its own attributes stay.
    func addHeldRelationship(
        of person: StoredPerson,
        with object: ObjectKey,
        attributes: AttributeSet
    ) throws {
        let old = try workspace.relationship(of: person.key, with: object)
        let new = old?.inheriting(from: attributes) ?? attributes
        try workspace.setRelationship(of: person.key, with: object, attributes: new)
    }

    private func logRelationship(
        _ type: String,
        _ person: StoredPerson,
        _ object: StoredObject,
        _ attributes: JSON.Object
    ) throws {
        var data = object.identifiers
        data["relationship_attributes"] = .object(attributes)
        try log(type, of: person, data: data)
    }
}

extension StoredObject {
    /// `{"object_type_id","object_id","cio_object_id"}`.
    var identifiers: JSON.Object {
        ["object_type_id": .string(String(type)), "object_id": .string(id), "cio_object_id": .string(cioId)]
    }
}
