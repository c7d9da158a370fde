import ArgumentParser
import AsyncHTTPClient
import Delivery
import Events
import Foundation
import Integrations
import LosslessJSON
import NIOCore
import NIOHTTP1
import Server
import ServiceLifecycle
import Storage
import TrackAPI
import Workspaces

/// `ferry demo`: the whole road, in a temporary folder, with calls at a human pace.
struct Demo: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Show the whole road with sample calls, in a temporary folder.",
        discussion: "Stays up until ^C, so that you can send calls of your own; with --once it ends by itself."
    )

    @Flag(help: "End when all calls have landed.")
    var once = false

    @Option(help: "Seconds between two calls.")
    var pace = 0.7

    private static let configurationText = """
        sources:
          shop: { write_key: demo-write-key }
        integrations:
          demo:
            type: customerio
            sources: [shop]
            settings: { endpoint: workspace }
        create_on_first_use: true
        """

    func run() async throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "ferry-demo-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: folder) }
        let configuration = try Configuration(parsing: Self.configurationText, file: "demo")
        let (notes, notify) = AsyncStream.makeStream(of: DispatchNote.self, bufferingPolicy: .bufferingNewest(10_000))
        let (ready, announce) = AsyncStream.makeStream(of: Instance.Addresses.self)
        let options = Instance.Options(
            configuration: configuration,
            publicAddress: ListenAddress(host: "127.0.0.1", port: 0),
            privateAddress: ListenAddress(host: "127.0.0.1", port: 0),
            data: .folder(folder.path),
            onReady: { announce.yield($0) },
            observe: { notify.yield($0) }
        )
        let (once, pace) = (once, pace)
        let log = ServerLog()
        try await log.reportingFaults {
            let instance = try Instance(options, logger: log.logger)
            let show = DemoShow(store: instance.store, ready: ready, notes: notes, pace: pace, staysUp: !once)
            try await instance.run(with: show)
        }
    }
}

/// Plays the story through the real port and tells what becomes of each call.
struct DemoShow: Service {
    let store: DataStore
    let ready: AsyncStream<Instance.Addresses>
    let notes: AsyncStream<DispatchNote>
    let pace: Double
    let staysUp: Bool

    func run() async throws {
        guard let addresses = await ready.cancelOnGracefulShutdown().first(where: { _ in true }) else { return }
        Terminal.print(Terminal.styled("A day at a shop for houseplants, call by call", .bold))
        Terminal.print("  calls go to \(addresses.publicURL), operations to the workspace at \(addresses.privateURL)")
        Terminal.print("  watch it in a browser: \(addresses.privateURL)/console\n")
        var notes = notes.cancelOnGracefulShutdown().makeAsyncIterator()
        for (position, scene) in DemoStory.scenes.enumerated() {
            let messageId = "demo-\(position + 1)"
            let refusedBefore = try await store.refusedMessages.count()
            do {
                try await post(scene, messageId: messageId, to: addresses.publicURL)
            } catch {
                Terminal.print("  \(scene.path): the call did not go through: \(error)")
                continue
            }
            let told: [String]
            if try await store.refusedMessages.count() > refusedBefore {
                told = [Terminal.styled("refused and kept: \(try await lastReason())", .yellow)]
            } else {
                told = await outcomes(of: messageId, &notes)
            }
            tell(scene, told)
            await cancelWhenGracefulShutdown { try? await Task.sleep(for: .seconds(pace)) }
            if Task.isShuttingDownGracefully { return }
        }
        try await conclude(addresses)
        if staysUp {
            Terminal.print("\nFerry stays up until ^C.")
            try? await gracefulShutdown()
        }
    }

    private func post(_ scene: DemoStory.Scene, messageId: String, to url: String) async throws {
        var message = scene.message
        message["messageId"] = .string(messageId)
        message["timestamp"] = Timestamp.now.iso8601.map(JSON.string)
        var request = HTTPClientRequest(url: "\(url)/v1/\(scene.path)")
        request.method = .POST
        request.headers.add(name: "Authorization", value: "Basic \(Data("demo-write-key:".utf8).base64EncodedString())")
        request.body = .bytes(message.encoded())
        let response = try await HTTPClient.ofCommands.execute(request, timeout: .seconds(10))
        _ = try await response.body.collect(upTo: 1 << 16)
    }

    private func lastReason() async throws -> String {
        try await store.refusedMessages.list(limit: 1_000).last?.message.reason ?? ""
    }

    /// What delivery tells of an event until each of its operations is settled.
    private func outcomes<Notes: AsyncIteratorProtocol>(
        of messageId: String,
        _ notes: inout Notes
    ) async -> [String] where Notes.Element == DispatchNote {
        var plan: (seq: Int64, plan: Plan)?
        // By event: metrics go their own way, and may be there before the rest is planned.
        var settled: [Int64: [String]] = [:]
        while let note = try? await notes.next(isolation: #isolation) {
            switch note.kind {
            case .planned(let seq, messageId, let made): plan = (seq, made)
            case .settled(let seq, let action, let failure):
                let failed = failure.map { Terminal.styled("failed: \($0)", .red) }
                settled[seq, default: []].append("\(action) \(failed ?? Terminal.styled("delivered", .green))")
            case .waiting(let words, _), .paused(let words): return [Terminal.styled(words, .yellow)]
            default: break
            }
            guard let plan, settled[plan.seq, default: []].count >= plan.plan.operations.count else { continue }
            let ignored = plan.plan.ignored.map { ignored in
                Terminal.styled("\(ignored.action ?? "") ignored: \(ignored.reason)", .dim)
            }
            return settled[plan.seq, default: []] + ignored
        }
        return []
    }

    private func tell(_ scene: DemoStory.Scene, _ outcomes: [String]) {
        let call = scene.path.padding(toLength: 9, withPad: " ", startingAt: 0)
        Terminal.print("  \(Terminal.styled(call, .bold)) \(scene.caption)")
        for outcome in outcomes.isEmpty ? ["nothing to send"] : outcomes { Terminal.print("            → \(outcome)") }
    }

    private func conclude(_ addresses: Instance.Addresses) async throws {
        Terminal.print("\n" + Terminal.styled("What landed in the workspace", .bold))
        let counts = try await Workspace(name: "demo", in: store.workspaces).counts()
        let rows = [
            ("people", counts.people), ("events", counts.events), ("devices", counts.devices),
            ("objects", counts.objects), ("relationships", counts.relationships), ("metrics", counts.metrics),
        ]
        for (kind, count) in rows {
            Terminal.print("  \(kind.padding(toLength: 16, withPad: " ", startingAt: 0)) \(count)")
        }
        let refused = try await store.refusedMessages.count()
        Terminal.print("  refused, kept    \(refused)")
        let admin = "\(addresses.privateURL)/admin/v1/workspace"
        Terminal.print("\n" + Terminal.styled("Where to look", .bold))
        Terminal.print("  curl \(admin)/people/c-1001")
        Terminal.print("  curl \(admin)/people/c-1001/activity")
        Terminal.print("  curl \(admin)/objects")
        Terminal.print(Terminal.styled("Send one yourself", .bold))
        Terminal.print(
            "  curl -u demo-write-key: \(addresses.publicURL)/v1/identify -d '{\"userId\":\"you\",\"traits\":{\"plan\":\"pro\"}}'"
        )
    }
}
