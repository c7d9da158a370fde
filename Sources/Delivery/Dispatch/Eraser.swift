import Events
import Logging
import LosslessJSON
import ServiceLifecycle
import Storage

/// Carries out the erasures that are asked for, one after the other, and those that a process before has left (delivery.md
/// F44).
///
/// The log comes first: what is empty there can't come back, whoever reads it, and after whatever crash. Then the lanes let go
/// of what they had in memory, then everything else is cleaned. What integrations are told stands in the log
/// (`ErasureEvent`), and is delivered like anything else; here it is awaited. Until the lanes have let go no job runs, which
/// could send again what was there before.
struct Eraser: Sendable {
    var erasures: Erasures
    let ledger: Ledger
    let nodes: Nodes
    let control: DeliveryControl
    let surroundings: Dispatcher.Surroundings
    let logger: Logger
    /// One that is there.
    let integration: @Sendable (_ name: String) -> LiveIntegration?

    /// Between two pieces, so that events that arrive are not held up.
    private static let breath = Duration.milliseconds(2)
    private static let patience = Duration.milliseconds(100)
    /// Where retention has taken the requests away, or the integration has begun anew since.
    private static let unknown =
        "nothing is known of a request any more: see at the destination, and erase again if needed"

    func run() async {
        // An erasure that waits for an integration holds up no other.
        await withDiscardingTaskGroup { group in
            let underWay = UnderWay<Int64>()
            for await _ in control.erasureChanges.cancelOnGracefulShutdown() {
                guard let lease = nodes.held(.erasing) else { continue }
                for erasure in await unfinished() where underWay.begins(erasure.number) {
                    group.addTask {
                        await cancelWhenGracefulShutdown { await carryOut(erasure, under: lease) }
                        underWay.ended(erasure.number)
                    }
                }
            }
        }
    }

    /// All lanes are this node's meanwhile: they have to be told.
    private func carryOut(_ erasure: Erasure, under lease: Lease) async {
        var eraser = self
        eraser.erasures = erasures.under(lease)
        let bound = eraser
        while !Task.isCancelled, nodes.held(.erasing) === lease || nodes.isAlone {
            do {
                _ = try await lease.holding {
                    try await nodes.gathering { () async throws(StorageError) in await bound.carryOut(erasure) }
                }
                return
            } catch {
                logger.error("an erasure waits for other nodes", metadata: ["error": "\(error)"])
            }
        }
    }

    private func unfinished() async -> [Erasure] {
        while !Task.isCancelled {
            do {
                return try await erasures.unfinished()
            } catch {
                logger.error("the erasures can't be read", metadata: ["error": "\(error)"])
                await surroundings.sleep(.seconds(1))
            }
        }
        return []
    }

    /// Goes on from where it is until it is done. What the disk does not take is tried again.
    private func carryOut(_ erasure: Erasure) async {
        var erasure = erasure
        var life = Life()
        while !Task.isCancelled, erasure.stage != .done {
            if !erasure.stage.goesThroughLog { control.release(.erasure(erasure.number)) }
            do {
                erasure = try await step(erasure, &life)
            } catch {
                logger.error(
                    "an erasure can't go on for now",
                    metadata: ["erasure": "\(erasure.number)", "error": "\(error)"]
                )
                await surroundings.sleep(.seconds(1))
            }
        }
        guard erasure.stage == .done else { return }
        let receipt = erasure.receipt
        logger.notice(
            "an erasure is done",
            metadata: ["erasure": "\(erasure.number)", "events": "\(receipt.events)", "people": "\(receipt.people)"]
        )
    }

    /// What is known of an erasure in this life of the process.
    private struct Life {
        /// Whether the lanes have let go of everything.
        var isLetGo = false
        var isRewritten = false
        /// How many had answered when the workspaces were cleaned behind them.
        var answered = 0
        /// How long it waits for answers before it looks again.
        var wait = Eraser.patience
    }

    private func step(_ erasure: Erasure, _ life: inout Life) async throws(StorageError) -> Erasure {
        switch erasure.stage {
        case .looking:
            let (next, isOver) = try await erasures.look(for: erasure, reading(erasure))
            await surroundings.sleep(Self.breath)
            return isOver ? try await erasures.move(next, to: .removing) : next
        case .removing:
            let now = surroundings.now().wall
            let (next, removed, isOver) = try await erasures.remove(for: erasure, reading(erasure), at: now)
            if !removed.isEmpty { control.erase(removed) }
            await surroundings.sleep(Self.breath)
            return isOver ? try await erasures.move(next, to: .cleaning) : next
        case .cleaning:
            if !life.isLetGo { await letGo(of: erasure, &life) }
            try await erasures.cleanTexts(for: erasure, reading(erasure), at: surroundings.now().wall)
            try await erasures.cleanWorkspaces(for: erasure, .untold)
            return try await erasures.move(erasure, to: .telling)
        case .telling: return try await awaitAnswers(to: erasure, &life)
        case .sweeping:
            if !life.isRewritten {
                try await erasures.rewrite()
                life.isRewritten = true
            }
            guard try await erasures.cutJournals() else {
                await surroundings.sleep(Self.patience)
                return erasure
            }
            return try await erasures.move(erasure, to: .done, at: surroundings.now().wall)
        case .done: return erasure
        }
    }

    private func letGo(of erasure: Erasure, _ life: inout Life) async {
        if let redaction = erasure.person?.redaction { await control.clean(redaction) }
        life.isLetGo = true
    }

    private func reading(_ erasure: Erasure) -> Erasures.Reading {
        let person = NamedPerson(
            texts: erasure.person?.texts ?? [],
            emails: [erasure.person?.email].compactMap { $0 }
        )
        return { body in
            guard case .object(let message)? = try? JSON(parsing: body), person.isNamed(in: message) else {
                return .none
            }
            return .theirs(tiedId: person.anonymousId(tiedBy: message))
        }
    }

    // MARK: What the integrations were told

    /// Looks who has answered. When all have, nothing of it is kept either.
    private func awaitAnswers(to erasure: Erasure, _ life: inout Life) async throws(StorageError) -> Erasure {
        var erasure = erasure
        for told in erasure.told where told.answer == .waiting {
            let now = try await progress(of: told, of: erasure)
            if now != told { erasure = try await erasures.note(now, for: erasure) }
        }
        let answered = erasure.told.count { $0.answer != .waiting }
        // Workspaces answer at once, and do not wait for others.
        if answered > life.answered {
            try await erasures.cleanWorkspaces(for: erasure, .told)
            surroundings.forgetRequests()
            try await erasures.haveRequestsForgotten()
            life.answered = answered
        }
        guard erasure.told.contains(where: { $0.answer == .waiting }) else {
            if let telling = erasure.telling {
                try await erasures.removeTelling(of: erasure, at: surroundings.now().wall)
                control.erase([telling])
                await letGo(of: erasure, &life)
                try await erasures.cleanTexts(for: erasure, reading(erasure), at: surroundings.now().wall)
                try await erasures.cleanWorkspaces(for: erasure, .told)
            }
            return try await erasures.forget(erasure)
        }
        await surroundings.sleep(life.wait)
        life.wait = min(life.wait * 2, .seconds(2))
        return erasure
    }

    /// What the ledger and the lane know of what an integration is told.
    private func progress(of told: Erasure.Told, of erasure: Erasure) async throws(StorageError) -> Erasure.Told {
        var told = told
        guard let telling = erasure.telling, let integration = integration(told.integration) else {
            told.answer = .refused
            told.words = "the integration is not there any more"
            return told
        }
        told.workspace = integration.workspace
        // Memory first: what leaves it in between is on the disk then.
        let inMemory = await control.operations(of: telling, in: told.integration, .live)
        guard let cursor = try await ledger.cursor(.live, of: told.integration) else { return told }
        let rows = try await ledger.operations(of: cursor.id, event: telling)
        let requests = try await ledger.requests(of: cursor.id, withEvent: telling)
        let tries = rows.map(\.attempts) + inMemory.map(\.attempts) + [requests.count]
        told.attempts = max(told.attempts, tries.max().map(Int64.init) ?? 0)
        told.at = requests.map(\.sentAt).max() ?? told.at
        let isWaiting = cursor.position < telling || rows.contains { $0.state == .open }
        var words = (isWaiting ? inMemory.map(\.words) : []) + rows.map(\.words)
        if isWaiting, let closed = control.closedRoad(of: told.integration) { words.append(closed) }
        if !isWaiting { told.answer = rows.isEmpty && !requests.isEmpty ? .taken : .refused }
        if !isWaiting, rows.isEmpty, requests.isEmpty { words = [Self.unknown] }
        let said = words.filter { !$0.isEmpty }
        told.words = said.isEmpty ? nil : erasure.person?.redaction.clean(said.joined(separator: "; "))
        return told
    }
}
