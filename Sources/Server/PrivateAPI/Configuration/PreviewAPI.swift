import Delivery
import Events
import HTTPTypes
import Integrations
import LosslessJSON
import Storage

/// What a proposed configuration would change: logged events planned by it and by the present one, under `/admin/v1`.
struct PreviewAPI: Sendable {
    private static let maximumEvents = 100_000
    private static let maximumSamples = 100

    let live: LiveIntegrations
    let log: EventLog
    let knownSources: @Sendable () -> [String]

    func add(to routes: inout Routes, behind door: AdminDoor) {
        routes.on(.post, "/admin/v1/preview", behind: door) { request, _ in try await preview(request) }
        routes.on(.post, "/admin/v1/preview/event", behind: door) { request, _ in try await previewEvent(request) }
    }

    /// What the first integration of a text would make of one event.
    private func previewEvent(_ request: IncomingRequest) async throws -> Answer {
        guard let body = try await request.readAdminBody()?.objectValue, body.count == 2,
            let yaml = body["yaml"]?.stringValue, let number = body["event"]?.numberValue?.int64
        else { return .admin(.invalid, #"the body must be {"yaml": "integrations: …", "event": NUMBER}"#) }
        let proposed: [Integration]
        do { proposed = try integrations(in: yaml) } catch { return .admin(.invalid, error.words) }
        let integration = proposed[0]
        let logged = try await stored { () async throws(StorageError) in try await log.read([number]).first }
        guard let event = logged.flatMap({ Event($0) }) else {
            return .admin(.unknownPath, "there is no event \(number) in the log (any more)")
        }
        let plan = integration.plan(event)
        return .admin(
            .done,
            json: [
                "integration": .string(integration.name), "operations": .array(plan.operations.map(\.json)),
                "ignored": .array(plan.ignored.map(\.json)), "warnings": .array(plan.warnings.map(\.json)),
                "trace": .array(integration.explain(event).map(\.json)),
            ]
        )
    }

    private func preview(_ request: IncomingRequest) async throws -> Answer {
        guard let wish = try await request.readAdminBody()?.objectValue.flatMap(Wish.init) else {
            return .admin(
                .invalid,
                """
                the body must be {"yaml": "integrations: …"}; "last" is how many events from the newest on, 1 to \
                \(Self.maximumEvents), "samples" how many of those that would change to show, 0 to \(Self.maximumSamples)
                """
            )
        }
        let proposed: [Integration]
        do { proposed = try integrations(in: wish.yaml) } catch { return .admin(.invalid, error.words) }
        var comparisons = proposed.map { proposed in
            PlanComparison(of: live.named(proposed.name)?.integration, with: proposed, samples: wish.samples)
        }
        let last = try await stored { () async throws(StorageError) in try await log.lastSequence() }
        var position = max(0, last - Int64(wish.last))
        while position < last {
            let after = position
            let page = try await stored { () async throws(StorageError) in
                try await log.read(after: after, limit: 500, maximumBytes: 8 << 20)
            }
            for logged in page where logged.seq <= last {
                guard let event = Event(logged) else { continue }
                for index in comparisons.indices { comparisons[index].add(event, number: logged.seq) }
            }
            position = page.last?.seq ?? last
        }
        return .admin(.done, json: ["items": .array(comparisons.map(\.json))])
    }

    private struct Fault: Error {
        let words: String
    }

    /// Those that a text defines, one at least.
    private func integrations(in yaml: String) throws(Fault) -> [Integration] {
        let configuration: Configuration
        do {
            configuration = try Configuration(parsing: yaml, file: "the text", knownSources: knownSources())
        } catch {
            throw Fault(words: error.description)
        }
        guard !configuration.integrations.isEmpty else { throw Fault(words: "the text defines no integration") }
        return configuration.integrations
    }

    private struct Wish {
        var yaml = ""
        var last = 1_000
        var samples = 10

        init?(_ body: JSON.Object) {
            for member in body {
                switch (member.key, member.value) {
                case ("yaml", .string(let text)): yaml = text
                case ("last", .number(let number)):
                    guard let count = number.int64, 1...Int64(PreviewAPI.maximumEvents) ~= count else { return nil }
                    last = Int(count)
                case ("samples", .number(let number)):
                    guard let count = number.int64, 0...Int64(PreviewAPI.maximumSamples) ~= count else { return nil }
                    samples = Int(count)
                default: return nil
                }
            }
            if yaml.isEmpty { return nil }
        }
    }
}
