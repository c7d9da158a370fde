import Events
import Logging
import LosslessJSON
import ServiceLifecycle
import Storage
import TrackAPI

/// Carries out the erasures that are asked for, one after the other, and those that a process before has left (delivery.md
/// F44).
///
/// The log comes first: what is empty there can't come back, whoever reads it, and after whatever crash. Then the lanes let go
/// of what they had in memory, then the integrations are told, then everything that is left is cleaned.
struct Eraser: Sendable {
    let erasures: Erasures
    let control: DeliveryControl
    let surroundings: Dispatcher.Surroundings
    let logger: Logger
    /// Sends to an integration; `nil` when it is not there.
    let send: @Sendable (_ integration: String, _ operation: Operation) async -> Exchange?

    /// Between two pieces, so that events that arrive are not held up.
    private static let breath = Duration.milliseconds(2)
    private static let patience = Duration.milliseconds(100)

    func run() async {
        // An erasure that waits for an integration holds up no other.
        await withDiscardingTaskGroup { group in
            var known: Set<Int64> = []
            for await _ in control.erasureChanges.cancelOnGracefulShutdown() {
                for erasure in await unfinished() where known.insert(erasure.number).inserted {
                    group.addTask {
                        await cancelWhenGracefulShutdown { await carryOut(erasure) }
                    }
                }
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
        var failures = 0
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
            if !life.isLetGo, let redaction = erasure.person?.redaction {
                await control.clean(redaction)
                life.isLetGo = true
            }
            let told = try await tell(erasure)
            try await clean(told)
            return try await erasures.move(told, to: .telling)
        case .telling:
            let told = try await tell(erasure)
            guard told.told.contains(where: { $0.answer == .waiting }) else {
                // An embedded workspace writes down what it was told.
                if told.command != nil { try await clean(told) }
                return try await erasures.forget(told)
            }
            life.failures += 1
            let wait = Backoff.wait(life.failures, of: .road, chance: surroundings.chance())
            await surroundings.sleep(.milliseconds(wait))
            return told
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

    private func clean(_ erasure: Erasure) async throws(StorageError) {
        try await erasures.cleanTexts(for: erasure, at: surroundings.now().wall)
        try await erasures.cleanWorkspaces(for: erasure)
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

    // MARK: Telling the integrations

    /// Tells those who have not answered yet once more, all at a time.
    private func tell(_ erasure: Erasure) async throws(StorageError) -> Erasure {
        let waiting = erasure.told.filter { $0.answer == .waiting }
        let commands = commands(of: erasure)
        guard !waiting.isEmpty, let redaction = erasure.person?.redaction else { return erasure }
        let now = surroundings.now().wall
        let answers = await withTaskGroup(of: Erasure.Told.self) { group in
            for told in waiting {
                group.addTask { await tell(told, commands, redaction, at: now) }
            }
            return await group.reduce(into: [Erasure.Told]()) { $0.append($1) }
        }
        var told = erasure
        for answer in answers { told = try await erasures.note(answer, for: told) }
        return told
    }

    private func tell(
        _ told: Erasure.Told,
        _ commands: [Operation],
        _ redaction: Redaction,
        at now: Int64
    ) async -> Erasure.Told {
        var told = told
        told.attempts += 1
        told.at = now
        told.words = nil
        var refusals: [String] = []
        for command in commands {
            guard let exchange = await send(told.integration, command) else {
                told.answer = .refused
                told.words = "the integration is not there any more"
                return told
            }
            switch exchange.answer {
            case .settled(let outcomes):
                for case .refused(let words) in outcomes { refusals.append(words) }
            case .unclear(let words): refusals.append(words)
            case .unavailable(let words, _), .suspicious(let words, _, _), .settings(let words):
                told.words = redaction.clean(words)
                return told
            }
        }
        told.answer = refusals.isEmpty ? .taken : .refused
        if !refusals.isEmpty { told.words = redaction.clean(refusals.joined(separator: "; ")) }
        return told
    }

    /// What is sent of an erasure: one operation for the id, one for the address.
    private func commands(of erasure: Erasure) -> [Operation] {
        guard let command = erasure.command else { return [] }
        let identifiers = [("id", erasure.person?.userId), ("email", erasure.person?.email)]
        return identifiers.compactMap { name, value in
            guard let value else { return nil }
            let body: JSON.Object = [
                "type": "person", "action": .string(command.rawValue),
                "identifiers": .object([name: .string(value)]),
            ]
            return Operation(kind: .entity, body: body)
        }
    }
}
