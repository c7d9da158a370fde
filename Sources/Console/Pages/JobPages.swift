import LosslessJSON

/// Replays and retries: how far they are, and how they are steered.
extension Console {
    func jobs(_ visit: ConsoleVisit) async throws -> Outcome {
        let jobs = try await api.get(["jobs"])["items"].list
        let names = try await api.get(["integrations"])["items"].list.map { $0["name"].words }
        let view: View = [
            "jobs": jobs.map(job), "isEmpty": jobs.isEmpty,
            "integrations": names.map { ["name": $0, "path": "/console/integrations/\($0.asSegment)/replay"] },
        ]
        return .page(Page(title: "Replays and retries", in: .jobs, template: "jobs", view: view))
    }

    func job(_ visit: ConsoleVisit) async throws -> Outcome {
        let found = try await api.get(["jobs", visit["number"]])
        return .page(
            Page(title: "Job \(found["number"].words)", in: .jobs, template: "job", view: job(found))
        )
    }

    private func job(_ job: JSON) -> View {
        let state = job["state"].words
        let chosen = ["source", "name", "userId", "anonymousId", "email", "action", "words", "rate"]
        return [
            "number": job["number"].words, "path": "/console/jobs/\(job["number"].words)",
            "kind": job["kind"].words, "integration": job["integration"].words,
            "integrationPath": "/console/integrations/\(job["integration"].words.asSegment)",
            "state": state, "tone": tone(of: state), "first": job["first"].count.grouped,
            "last": job["last"].count.grouped, "position": job["position"].count.grouped,
            "progress": job["progress"].words, "started": time(job["startedAt"]), "ended": time(job["endedAt"]),
            "isRunning": state == "running", "isPaused": state == "paused",
            "isOver": state == "done" || state == "stopped", "asNew": job["asNew"] == true,
            "chosen": chosen.compactMap { name -> View? in
                job[name].map { ["name": name, "value": ($0 as JSON?).words] }
            },
            "sums": (job["operations"]?.objectValue ?? [:]).map { member -> View in
                ["heading": member.key, "count": (member.value as JSON?).count.grouped]
            },
        ]
    }

    func steerJob(_ visit: ConsoleVisit) async throws -> Outcome {
        guard ["pause", "resume", "stop"].contains(visit["verb"]) else {
            throw AdminAPIClient.Refusal(status: 404, words: "There is no such act.")
        }
        _ = try await api.post(["jobs", visit["number"], visit["verb"]])
        return .goTo("/console/jobs/\(visit["number"])", said: nil)
    }
}
