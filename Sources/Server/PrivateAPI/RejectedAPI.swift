import Events
import HTTPTypes
import LosslessJSON
package import Storage

/// The refused messages under `/admin/v1/rejected`: listed, and accepted when somebody says so.
package struct RejectedAPI: Sendable {
    private let data: DataStore
    private let source: SourceAPI

    /// Refused messages of `data`, which `source` would accept.
    package init(_ data: DataStore, acceptedBy source: SourceAPI) {
        self.data = data
        self.source = source
    }

    /// Refused messages that one call looks at; the caller goes on from there.
    private static let pageSize = 500

    func add(to routes: inout Routes, behind door: AdminDoor) {
        routes.on(.get, "/admin/v1/rejected", behind: door) { request, _ in try await list(request) }
        routes.on(.post, "/admin/v1/rejected/accept", behind: door) { request, _ in try await accept(request) }
    }

    // MARK: Listing

    private func list(_ request: IncomingRequest) async throws -> Answer {
        let query = request.query
        guard let limit = query.pageLimit, let after = Int64(query["cursor"] ?? "0")
        else { return .admin(.invalid, "limit must be from 1 to 1000, cursor the next of a page before") }
        let filter = RefusedFilter(source: query["source"], code: query["code"])
        let (page, count) = try await stored { () async throws(StorageError) in
            let page = try await data.refusedMessages.page(after: after, filter, limit: limit)
            return (page, try await data.refusedMessages.count())
        }
        return .admin(
            .done,
            json: [
                "items": .array(page.messages.map(\.json)),
                "next": page.next.map { .string(String($0)) } ?? .null,
                "count": .number(JSON.Number(count)),
            ]
        )
    }

    // MARK: Accepting

    /// Which ones: `numbers`, or those behind `after` that a filter lets through, of all of them one page at a time.
    private struct Choice {
        var numbers: [Int64]?
        var filter = RefusedFilter()
        var after: Int64 = 0
        /// The source that takes them, in the place of their own.
        var source: String?

        init?(_ json: JSON) {
            guard case .object(let object) = json else { return nil }
            var isNamed = false
            for member in object {
                switch (member.key, member.value) {
                case ("numbers", .array(let items)):
                    let known = items.compactMap { $0.numberValue?.int64 }
                    guard known.count == items.count, known.count <= RejectedAPI.pageSize else { return nil }
                    numbers = known
                case ("source", .string(let text)): filter.source = text
                case ("code", .string(let text)): filter.code = text
                case ("all", .bool(true)): break
                case ("as", .string(let text)):
                    source = text
                    continue
                case ("after", .number(let number)):
                    guard let known = number.int64 else { return nil }
                    after = known
                    continue
                default: return nil
                }
                isNamed = true
            }
            if !isNamed { return nil }
        }
    }

    private func accept(_ request: IncomingRequest) async throws -> Answer {
        guard let choice = try await request.readAdminBody().flatMap(Choice.init) else {
            return .admin(
                .invalid,
                """
                the body must be {"numbers":[…]} with \(Self.pageSize) at most, or {"all":true}, {"source":…} or \
                {"code":…}; "as" names a source that takes them
                """
            )
        }
        var outcome = Outcome()
        guard let numbers = choice.numbers else {
            let page = try await stored { () async throws(StorageError) in
                try await data.refusedMessages.page(after: choice.after, choice.filter, limit: Self.pageSize)
            }
            for refused in page.messages { try await accept(refused, choice, &outcome) }
            return .admin(.done, json: outcome.json(next: page.next))
        }
        for number in numbers {
            let refused = try await stored { () async throws(StorageError) in
                try await data.refusedMessages.message(number)
            }
            if let refused { try await accept(refused, choice, &outcome) } else { outcome.addMissing(number) }
        }
        return .admin(.done, json: outcome.json(next: nil))
    }

    private func accept(_ refused: ListedRefusedMessage, _ choice: Choice, _ outcome: inout Outcome) async throws {
        outcome.add(try await source.readmit(refused, as: choice.source, into: data), refused.number)
    }

    private struct Outcome {
        private var accepted = 0
        private var duplicates = 0
        private var refused: [JSON] = []

        mutating func addMissing(_ number: Int64) {
            refused.append([
                "number": .number(JSON.Number(number)), "reason": "there is none of this number (any more)",
            ])
        }

        mutating func add(_ readmission: SourceAPI.Readmission, _ number: Int64) {
            switch readmission {
            case .accepted(let stored, let duplicates, _):
                accepted += stored
                self.duplicates += duplicates
            case .refused(let reason):
                refused.append(["number": .number(JSON.Number(number)), "reason": .string(reason)])
            case .gone: break
            }
        }

        func json(next: Int64?) -> JSON {
            [
                "accepted": .number(JSON.Number(accepted)), "duplicates": .number(JSON.Number(duplicates)),
                "refused": .array(refused), "next": next.map { .number(JSON.Number($0)) } ?? .null,
            ]
        }
    }
}

extension ListedRefusedMessage {
    fileprivate var json: JSON {
        [
            "number": .number(JSON.Number(number)),
            "receivedAt": Timestamp(milliseconds: message.receivedAt).iso8601.map(JSON.string) ?? .null,
            "source": message.source.map(JSON.string) ?? .null, "path": .string(message.path),
            "code": .string(message.code), "reason": .string(message.reason),
            "raw": .string(String(decoding: message.raw, as: UTF8.self)), "isCut": .bool(message.isCut),
        ]
    }
}
