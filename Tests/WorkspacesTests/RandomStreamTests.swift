import Foundation
import LosslessJSON
import Seeding
import Storage
import Testing
import Workspaces

/// Whatever comes in whatever order, the workspace stays in order. The seed is printed and can be given in
/// `FERRY_SEED`.
@Suite(.onBothEngines, .timeLimit(.minutes(5))) struct `Random streams` {
    @Test func `leave every identifier with one owner and every relationship with both ends`() async throws {
        var stream = RandomStream()
        let test = try Playground()
        var cioIds: Set<String> = []
        // At the very end there may be none: some items take everything away.
        var relationships: Int64 = 0
        for round in 0..<30 {
            let items = stream.items(25, cioIds: cioIds.sorted())
            let batch = try items.map { try JSON(parsing: $0) }
            let refused = try await test.workspace.carryOut(batch: batch, now: noon + Int64(round) * 60)
            #expect(refused.isEmpty, "\(refused.first.map { items[$0.index] } ?? "")")
            cioIds.formUnion(try await check(test, after: items))
            relationships += try await test.workspace.counts().relationships
        }
        #expect(try await test.workspace.counts().events > 0)
        #expect(relationships > 0)
    }

    @Test(arguments: WorkspaceSettings.Identifiers.allCases)
    func `leave what a simple model says`(identifiers: WorkspaceSettings.Identifiers) async throws {
        var stream = RandomStream(identifiers)
        for _ in 0..<25 {
            let found = try await OnBothEngines.anew { try await difference(&stream, identifiers) }
            guard let found else { continue }
            Issue.record("\(found)")
            return
        }
    }

    /// Where workspace and model differ after the same items; `nil`: nowhere.
    private func difference(
        _ stream: inout RandomStream,
        _ identifiers: WorkspaceSettings.Identifiers
    ) async throws -> String? {
        let test = try Playground { $0.identifiers = identifiers }
        var model = WorkspaceModel(identifiers: identifiers.rawValue)
        var items: [String] = []
        for step in 0..<80 {
            let cioIds = (1...12).map(WorkspaceModel.cioId)
            let item = stream.items(1, cioIds: cioIds)[0]
            items.append(item)
            let now = noon + Int64(step) * 20
            let json = try JSON(parsing: item)
            #expect(try await test.workspace.carryOut(entity: json, now: now).isEmpty)
            model.carryOut(json, now: now)
            let described = try await test.described()
            guard described == model.described else {
                let difference = described.difference(from: model.described).map { "\($0)" }
                return "\(difference.joined(separator: "\n"))\n\(items.suffix(30).joined(separator: "\n"))"
            }
        }
        return nil
    }

    /// Holds the invariants against what can be read, and returns the cio_ids of the living.
    private func check(_ test: Playground, after items: [String]) async throws -> [String] {
        let page = try #require(Page(limit: 1000))
        let people = try #require(try await test.workspace.people(page)["items"]?.arrayValue)
        let objects = try #require(try await test.workspace.objects(page)["items"]?.arrayValue)
        let counts = try await test.workspace.counts()
        let described = Comment(rawValue: items.joined(separator: "\n"))
        for kind in ["id", "email", "cio_id"] {
            let owned = people.compactMap { $0["identifiers"]?[kind]?.stringValue?.lowercased() }
            #expect(Set(owned).count == owned.count, described)
        }
        #expect(people.allSatisfy { $0["identifiers"]?["cio_id"]?.stringValue != nil }, described)
        let tokens = people.flatMap { $0["devices"]?.arrayValue ?? [] }.compactMap { $0["token"]?.stringValue }
        #expect(Set(tokens).count == tokens.count, described)
        #expect(Int64(tokens.count) == counts.devices, described)
        let fromPeople = people.flatMap { person in
            (person["relationships"]?.arrayValue ?? []).map { entry in
                "\(person["identifiers"]?["cio_id"] ?? .null) \(entry["identifiers"]?["object_id"] ?? .null)"
            }
        }
        let fromObjects = objects.flatMap { object in
            (object["relationships"]?.arrayValue ?? []).map { entry in
                "\(entry["identifiers"]?["cio_id"] ?? .null) \(object["identifiers"]?["object_id"] ?? .null)"
            }
        }
        #expect(fromPeople.sorted() == fromObjects.sorted(), described)
        #expect(Int64(fromPeople.count) == counts.relationships, described)
        for value in people.compactMap({ $0["attributes"]?.objectValue }).flatMap({ Array($0) }) {
            #expect(!value.value.isNull && value.value != "", described)
            #expect(!["id", "email", "cio_id", "_update"].contains(value.key), described)
        }
        let living = Set(people.compactMap { $0["identifiers"]?["cio_id"]?.stringValue })
        let log = try #require(try await test.workspace.activity(page)["items"]?.arrayValue)
        let events = log.filter { ["event", "page"].contains($0["type"]?.stringValue ?? "") }
        for event in events {
            let owner = event["customer_identifiers"]?["cio_id"]?.stringValue
            #expect(owner.map(living.contains) ?? (event["anonymous_id"] != nil), described)
        }
        return Array(living)
    }
}

extension Playground {
    /// One line for each person and object: what can be read of them.
    fileprivate func described() async throws -> [String] {
        let page = try #require(Page(limit: 1000))
        var lines: [String] = []
        for person in try await workspace.people(page)["items"]?.arrayValue ?? [] {
            let identifiers = person["identifiers"]
            let cioId = identifiers?["cio_id"]?.stringValue ?? ""
            let tokens = (person["devices"]?.arrayValue ?? []).compactMap { $0["token"]?.stringValue }.sorted()
            let related = (person["relationships"]?.arrayValue ?? []).map { link in
                "\(link["identifiers"]?["object_id"]?.stringValue ?? "")=\(Self.text(link["relationship_attributes"]))"
            }
            let names = try await events("cio_\(cioId)")
            lines.append(
                "\(cioId) \(identifiers?["id"]?.stringValue ?? "-") "
                    + "\(identifiers?["email"]?.stringValue?.lowercased() ?? "-") "
                    + "\(Self.text(person["attributes"])) \(tokens) \(related.sorted()) \(names)"
            )
        }
        for object in try await workspace.objects(page)["items"]?.arrayValue ?? [] {
            lines.append("object \(object["identifiers"]?["object_id"]?.stringValue ?? "")")
        }
        return lines.sorted()
    }

    private static func text(_ attributes: JSON?) -> String {
        (attributes?.objectValue ?? [:]).map { "\($0.key):\($0.value)" }.sorted().joined(separator: ",")
    }
}

/// Items that collide a lot: few people, few objects, every operation.
private struct RandomStream {
    private var generator = SeededGenerator(for: "Random streams")
    private let known: WorkspaceSettings.Identifiers

    init(_ known: WorkspaceSettings.Identifiers = .emailOrId) {
        self.known = known
    }

    private mutating func draw(_ bound: Int) -> Int {
        Int.random(in: 0..<bound, using: &generator)
    }

    mutating func items(_ count: Int, cioIds: [String]) -> [String] {
        (0..<count).map { _ in item(cioIds) }
    }

    private mutating func identifiers(_ cioIds: [String]) -> String {
        switch draw(7) {
        case 0...2 where known != .email, 3...5 where known == .id: return #"{"id":"u\#(draw(8))"}"#
        case 0...5: return #"{"email":"\#(["a", "A", "b", "c", "d"][draw(5)])@x.com"}"#
        default: return #"{"cio_id":"\#(cioIds.isEmpty ? "ff" : cioIds[draw(cioIds.count)])"}"#
        }
    }

    private mutating func attributes() -> String {
        var members: [String] = []
        if draw(2) == 0 { members.append(#""id":"u\#(draw(8))""#) }
        if draw(2) == 0 { members.append(#""email":"\#(["a", "B", "c", "d"][draw(4)])@x.com""#) }
        if draw(3) == 0 { members.append(#""anonymous_id":"a\#(draw(4))""#) }
        if draw(5) == 0 { members.append(#""_update":true"#) }
        members.append(#""plan":\#([#""pro""#, "null", #""""#, "1.50"][draw(4)])"#)
        return "{" + members.joined(separator: ",") + "}"
    }

    private mutating func link() -> String {
        relationship(acme("o\(draw(4))"), #"{"role":\#(draw(3))}"#)
    }

    private mutating func item(_ cioIds: [String]) -> String {
        let who = identifiers(cioIds)
        // Times that are often the same, before and behind that of the receipt.
        let time = #","timestamp":\#(noon + Int64(draw(5)) * 400)"#
        switch draw(24) {
        case 0...7: return identify(who, attributes(), more: draw(2) == 0 ? time : link())
        case 8...10: return event(who, "e\(draw(5))", more: time)
        case 11: return event(#"{"anonymous_id":"a\#(draw(4))"}"#, "anonymous")
        case 12: return person("page", #"{"anonymous_id":"a\#(draw(4))"}"#, more: #","name":"p""#)
        case 13: return person("delete", who)
        case 14: return draw(3) == 0 ? person("suppress", who) : person("unsuppress", who)
        case 15...16: return merge(who, identifiers(cioIds))
        case 17: return person("add_relationships", who, more: link())
        case 18: return person("delete_relationships", who, more: link())
        case 19: return person("add_device", who, more: #","device":{"token":"t\#(draw(4))","platform":"ios"}"#)
        case 20: return person("delete_device", who, more: #","device":{"token":"t\#(draw(4))"}"#)
        case 21: return object(draw(3) == 0 ? "delete" : "identify", "o\(draw(4))", more: relationship(who))
        case 22:
            return object("identify_anonymous", "o\(draw(4))", more: relationship(#"{"anonymous_id":"a\#(draw(4))"}"#))
        default: return object("delete_relationships", "o\(draw(4))", more: relationship(who))
        }
    }
}
