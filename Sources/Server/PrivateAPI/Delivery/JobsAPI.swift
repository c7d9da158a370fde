import Delivery
import Events
import HTTPTypes
import Integrations
import LosslessJSON
import Storage

/// Replays and retries under `/admin/v1`: asked for, watched, paused, resumed and stopped.
struct JobsAPI: Sendable {
    let delivery: DeliveryAPI

    private var data: DataStore { delivery.data }

    func add(to routes: inout Routes, behind door: AdminDoor) {
        let root = "/admin/v1"
        routes.on(.get, "\(root)/jobs", behind: door) { _, _ in try await list() }
        routes.on(.get, "\(root)/jobs/{number}", behind: door) { _, path in try await show(path["number"]) }
        routes.onCall("\(root)/jobs/{number}/pause", behind: door) { _, path in
            try await move(path["number"], to: .paused)
        }
        routes.onCall("\(root)/jobs/{number}/resume", behind: door) { _, path in
            try await move(path["number"], to: .running)
        }
        routes.onCall("\(root)/jobs/{number}/stop", behind: door) { _, path in
            try await move(path["number"], to: .stopped)
        }
        routes.on(.post, "\(root)/replay", behind: door) { request, _ in try await replay(request) }
        routes.on(.post, "\(root)/failed/retry", behind: door) { request, _ in try await retry(request) }
    }

    // MARK: Watching

    private func list() async throws -> Answer {
        let jobs = try await stored { () async throws(StorageError) in try await data.jobs.list(limit: 200) }
        var items: [JSON] = []
        for job in jobs { items.append(.object(try await json(of: job))) }
        return .admin(.done, json: ["items": .array(items)])
    }

    private func show(_ text: String) async throws -> Answer {
        guard let job = try await job(text) else { return unknown(text) }
        return .admin(.done, json: .object(try await json(of: job)))
    }

    private func move(_ text: String, to state: Job.State) async throws -> Answer {
        guard let job = try await job(text) else { return unknown(text) }
        guard job.state == .running || job.state == .paused else {
            return .admin(.invalid, "job \(text) is \(job.state.rawValue): it can't be moved any more")
        }
        let now = delivery.now()
        let moved = try await stored { () async throws(StorageError) in
            try await data.jobs.set(state, of: job.id, at: now)
        }
        if state == .running { delivery.control.local.jobsChanged() } else { delivery.control.local.stop(job) }
        return .admin(.done, json: .object(try await json(of: moved ?? job)))
    }

    private func job(_ text: String) async throws -> Job? {
        guard let number = Int64(text) else { return nil }
        return try await stored { () async throws(StorageError) in try await data.jobs.job(number) }
    }

    private func unknown(_ text: String) -> Answer {
        .admin(.unknownPath, "there is no job \(text)")
    }

    /// A job and how far it is.
    private func json(of job: Job) async throws -> JSON.Object {
        let counted = try await stored { () async throws(StorageError) in
            try await data.ledger.counted(.job(job.id), of: job.integration)
        }
        var json: JSON.Object = [
            "number": .number(JSON.Number(job.id)), "kind": .string(job.kind.rawValue),
            "integration": .string(job.integration), "state": .string(job.state.rawValue),
            "first": .number(JSON.Number(job.selection.first)), "last": .number(JSON.Number(job.selection.last)),
            "startedAt": .time(job.startedAt), "endedAt": .time(job.endedAt),
        ]
        let options: [(String, String?)] = [
            ("source", job.selection.source), ("name", job.selection.name), ("userId", job.selection.userId),
            ("anonymousId", job.selection.anonymousId), ("email", job.selection.email),
            ("action", job.selection.action), ("words", job.selection.words),
        ]
        for (name, value) in options { if let value { json[name] = .string(value) } }
        if let rate = job.rate { json["rate"] = .number(JSON.Number(rate)) }
        if let revision = job.revision { json["revision"] = .number(JSON.Number(revision)) }
        if job.kind == .replay {
            json["asNew"] = .bool(job.isAsNew)
            json["includesTakingAway"] = .bool(job.includesTakingAway)
        }
        guard let counted else { return json }
        json["position"] = .number(JSON.Number(counted.cursor.position))
        let all = max(1, job.selection.last - job.selection.first + 1)
        let through = min(max(0, counted.cursor.position - job.selection.first + 1), all)
        json["progress"] = .number(JSON.Number(job.state == .done ? 100 : through * 100 / all))
        let total = DeliveryCounts(live: counted, metrics: nil).total
        json["operations"] = [
            "planned": .number(JSON.Number(total.planned)), "delivered": .number(JSON.Number(total.delivered)),
            "waiting": .number(JSON.Number(total.waiting)), "retrying": .number(JSON.Number(total.retrying)),
            "failed": .number(JSON.Number(total.failed)), "erased": .number(JSON.Number(total.erased)),
        ]
        return json
    }

    // MARK: Asking for one

    private func replay(_ request: IncomingRequest) async throws -> Answer {
        guard let body = try await request.readAdminBody()?.objectValue else {
            return .admin(.invalid, "the body must be a JSON object")
        }
        let wish: ReplayWish
        do { wish = try ReplayWish(body) } catch { return .admin(.invalid, error.message) }
        guard let integration = delivery.live.named(wish.integration) else {
            return delivery.live.unknown(wish.integration)
        }
        let stretch = try await stored { () async throws(StorageError) in
            try await data.log.stretch(from: wish.from, until: wish.until)
        }
        guard let oldest = stretch.oldest else { return .admin(.invalid, "the log is empty: nothing can be replayed") }
        if let first = wish.first, first < oldest {
            return .admin(.invalid, "events before \(oldest) have left the log: begin with \(oldest), or later")
        }
        var selection = Job.Selection(
            first: max(wish.first ?? oldest, stretch.first ?? .max),
            last: min(wish.last ?? .max, stretch.last ?? -1)
        )
        if let from = wish.from, wish.first == nil, oldest > 1, from < stretch.oldestAt {
            let begin = JSON.time(stretch.oldestAt).stringValue ?? ""
            return .admin(.invalid, "events before \(begin) have left the log: begin with that time, or later")
        }
        guard selection.first <= selection.last else {
            return .admin(.invalid, "no event of the log lies in between: nothing was started")
        }
        (selection.source, selection.name) = (wish.source, wish.name)
        (selection.userId, selection.anonymousId, selection.email) = (wish.userId, wish.anonymousId, wish.email)
        let hasReceived = try await stored { () async throws(StorageError) in
            try await data.jobs.hasReceived(wish.integration)
        }
        var job = NewJob(.replay, integration: wish.integration, selection: selection, startedAt: delivery.now())
        job.rate = wish.rate
        job.isAsNew = wish.isAsNew
        job.includesTakingAway = wish.includesTakingAway || !hasReceived
        job.revision = integration.history.newest.number
        var json = try await json(of: start(job))
        json["meaning"] = .string(wish.meaning(includesTakingAway: job.includesTakingAway))
        return .admin(.done, json: .object(json))
    }

    private func retry(_ request: IncomingRequest) async throws -> Answer {
        guard let wish = try await request.readAdminBody()?.objectValue.flatMap(RetryWish.init) else {
            return .admin(
                .invalid,
                """
                the body must be {"id":…}, {"all":true}, or one or more of "integration", "action" and "words"; "rate" limits \
                the requests a second, "includeTakingAway" confirms deletes, suppressions and merges, "original" plans each under \
                the configuration of its time
                """
            )
        }
        let targets = try await stored { () async throws(StorageError) in try await wish.targets(in: data.failures) }
        guard !targets.isEmpty else {
            return .admin(.unknownPath, "no failed operation is meant (any more): nothing was started")
        }
        guard wish.includesTakingAway || !targets.contains(where: \.takesAway) else {
            return .admin(
                .invalid,
                """
                deletes, suppressions or merges are among them, and could undo what has happened since: confirm with \
                "includeTakingAway": true (ferry failed retry --yes), or name an action. Nothing was started
                """
            )
        }
        var started: [JSON] = []
        for target in targets {
            guard let integration = delivery.live.named(target.integration) else { continue }
            var selection = Job.Selection(first: target.first, last: target.last)
            (selection.place, selection.action, selection.words) = (target.place, wish.action, wish.words)
            var job = NewJob(.retry, integration: target.integration, selection: selection, startedAt: delivery.now())
            job.rate = wish.rate
            job.origin = target.cursor
            if !wish.isOriginal { job.revision = integration.history.newest.number }
            started.append(.object(try await json(of: start(job))))
        }
        guard !started.isEmpty else {
            return .admin(.invalid, "their integration is not in the configuration any more: nothing was started")
        }
        return .admin(.done, json: ["items": .array(started)])
    }

    private func start(_ job: NewJob) async throws -> Job {
        let made = try await stored { () async throws(StorageError) in try await data.jobs.add(job) }
        delivery.control.local.jobsChanged()
        return made
    }
}
