import LosslessJSON

@testable import Storage

extension WorkspaceStore {
    /// Everything that a workspace can be asked for, so that each statement runs.
    func useEverything() async throws {
        try await write(in: "w") { workspace in
            let one = try workspace.addPerson(id: "1", email: "1@x.com", madeAt: 0) { "\($0)-\($1)" }
            let two = try workspace.addPerson(id: "2", email: nil, madeAt: 0) { "\($0)-\($1)" }
            let object = try workspace.addObject(type: 1, id: "o", madeAt: 0) { "\($0)-\($1)" }
            try workspace.usePeople(one, two)
            try workspace.useObjects(one, two, object)
            try workspace.useActivity(one, two, object)
            try workspace.useSegments(one, two)
            _ = try workspace.counts()
            try workspace.remove(object.key)
            try workspace.remove(two.key)
            try workspace.removeEverything()
        }
        _ = try await names()
        _ = try await keep(Keys(workspace: "w", siteId: "s", apiKey: "k"))
        _ = try await keptKeys()
    }
}

extension WorkspaceTransaction {
    fileprivate func usePeople(_ one: StoredPerson, _ two: StoredPerson) throws {
        _ = try [.id("1"), .email("1@x.com"), .cioId("1-1"), .phone("+1")].map { try person($0) }
        _ = try person(at: one.key)
        try setIdentifiers(of: one)
        try setAttributes(try attributes(of: one.key), of: one.key)
        _ = try people(after: nil, limit: 1)
        try suppress([.id("x")])
        _ = try isSuppressed(.id("x"))
        try unsuppress(.id("x"))
        try setDevice(
            StoredDevice(person: one.key, token: "t", platform: "ios", lastUsed: 0, attributes: JSON.Object())
        )
        _ = try device("t")
        _ = try attributes(of: [one.key, two.key])
        _ = try devices(of: [one.key, two.key])
        try moveDevices(from: one.key, to: two.key)
        try removeDevice("t")
    }

    fileprivate func useObjects(
        _ one: StoredPerson,
        _ two: StoredPerson,
        _ object: StoredObject
    ) throws {
        _ = try self.object(type: 1, id: "o")
        _ = try self.object(cioId: "1-1")
        try setAttributes(try attributes(of: object.key), of: object.key)
        _ = try objects(after: nil, limit: 1)
        try setRelationship(of: one.key, with: object.key, attributes: AttributeSet())
        _ = try relationship(of: one.key, with: object.key)
        _ = try attributes(of: [object.key])
        _ = try relationships(of: [one.key])
        _ = try relationships(of: [object.key])
        _ = try relationships(of: object.key)
        _ = try relationships(of: object.key, after: nil, limit: 1)
        try moveRelationships(from: one.key, to: two.key)
        try removeRelationship(of: two.key, with: object.key)
    }

    fileprivate func useActivity(
        _ one: StoredPerson,
        _ two: StoredPerson,
        _ object: StoredObject
    ) throws {
        try log(ActivityEntry(subject: .anonymous("a"), type: "event", timestamp: 0, loggedAt: 0))
        _ = try attachActivity(ofAnonymous: "a", to: one.key, loggedSince: 0)
        try forgetAnonymousActivity(loggedBefore: 0, limit: 1)
        _ = try rememberEvent("e", at: 0, knownSince: nil)
        _ = try activity(before: nil, limit: 1)
        _ = try activity(of: one.key, before: nil, limit: 1)
        _ = try searchActivity(of: nil, ActivityFilter(type: "event"), before: nil, limit: 1)
        _ = try searchActivity(of: one.key, ActivityFilter(name: "A"), before: nil, limit: 1)
        _ = try searchPeople(containing: "a", after: nil, limit: 1)
        _ = try newestActivity()
        _ = try recentActivityNames(limit: 1)
        try moveEvents(from: one.key, to: two.key)
        try join(anonymousId: "a", with: one.key, at: 0)
        _ = try person(joinedWith: "a")
        try moveAnonymousIds(from: one.key, to: two.key)
        try holdRelationship(ofAnonymous: "a", with: object.key, attributes: AttributeSet())
        _ = try heldRelationship(ofAnonymous: "a", with: object.key)
        _ = try takeHeldRelationships(ofAnonymous: "a")
        try record(DeliveryMetric(deliveryId: "d", name: "opened", timestamp: 0, data: JSON.Object()))
        _ = try metrics(after: nil, limit: 1)
    }

    fileprivate func useSegments(_ one: StoredPerson, _ two: StoredPerson) throws {
        try add(one.key, toSegment: 1)
        _ = try segments(of: [one.key])
        _ = try segments(after: nil, limit: 1)
        _ = try people(inSegment: 1, after: nil, limit: 1)
        try moveSegments(from: one.key, to: two.key)
        try remove(two.key, fromSegment: 1)
        try registerForm("f", at: 0)
        try countSubmission(ofForm: "f", at: 0)
        _ = try forms(after: nil, limit: 1)
        try setDelivery("d", person: one.key, channel: "email")
        _ = try delivery("d")
        try moveDeliveries(from: one.key, to: two.key)
    }
}
