/// Which page stands where.
extension Console {
    typealias Handler = @Sendable (Console, ConsoleVisit) async throws -> Outcome

    /// Behind `/console`; `{name}` takes any one segment.
    private static let pages: [(path: String, handler: Handler)] = [
        ("", { try await $0.overview($1) }),
        ("connect", { try await $0.connect($1) }),
        ("events", { try await $0.events($1) }),
        ("events/{number}", { try await $0.event($1) }),
        ("failed", { try await $0.failed($1) }),
        ("failed/export", { try await $0.exportFailed($1) }),
        ("failed/operations/{id}", { try await $0.failedOperation($1) }),
        ("rejected", { try await $0.rejected($1) }),
        ("jobs", { try await $0.jobs($1) }),
        ("jobs/{number}", { try await $0.job($1) }),
        ("nodes", { try await $0.nodes($1) }),
        ("directory", { try await $0.directory($1) }),
        ("directory/customerio", { try await $0.newIntegration($1) }),
        ("integrations/{name}", { try await $0.integration($1) }),
        ("integrations/{name}/sources", { try await $0.sources($1) }),
        ("integrations/{name}/settings", { try await $0.settings($1) }),
        ("integrations/{name}/actions", { try await $0.actions($1) }),
        ("integrations/{name}/actions/{action}", { try await $0.action($1) }),
        ("integrations/{name}/deliveries", { try await $0.deliveries($1) }),
        ("integrations/{name}/failed", { try await $0.failed($1) }),
        ("integrations/{name}/history", { try await $0.history($1) }),
        ("integrations/{name}/history/{number}", { try await $0.revision($1) }),
        ("workspaces", { try await $0.workspaces($1) }),
        ("workspaces/{workspace}", { try await $0.people($1) }),
        ("workspaces/{workspace}/people/{person}", { try await $0.person($1) }),
        ("workspaces/{workspace}/objects", { try await $0.objects($1) }),
        ("workspaces/{workspace}/objects/{type}/{id}", { try await $0.object($1) }),
        ("workspaces/{workspace}/activity", { try await $0.activity($1) }),
        ("workspaces/{workspace}/metrics", { try await $0.metrics($1) }),
        ("workspaces/{workspace}/requests", { try await $0.requests($1) }),
        ("workspaces/{workspace}/requests/{number}", { try await $0.request($1) }),
    ]

    /// What forms do.
    private static let acts: [(path: String, handler: Handler)] = [
        ("triggers/check", { try await $0.checkTrigger($1) }),
        ("failed/retry", { try await $0.retry($1) }),
        ("failed/discard", { try await $0.discard($1) }),
        ("rejected/accept", { try await $0.accept($1) }),
        ("jobs/{number}/{verb}", { try await $0.steerJob($1) }),
        ("events/{number}/replay", { try await $0.replayEvent($1) }),
        ("events/{number}/give-up", { try await $0.giveUpEvent($1) }),
        ("connect", { try await $0.makeSource($1) }),
        ("connect/{source}/{verb}", { try await $0.steerSource($1) }),
        ("directory/customerio", { try await $0.makeIntegration($1) }),
        ("integrations/{name}/sources", { try await $0.editSources($1) }),
        ("integrations/{name}/settings", { try await $0.editSettings($1) }),
        ("integrations/{name}/actions/{action}", { try await $0.editAction($1) }),
        ("integrations/{name}/actions/{action}/switch", { try await $0.switchAction($1) }),
        ("integrations/{name}/act/{verb}", { try await $0.steerIntegration($1) }),
        ("integrations/{name}/replay", { try await $0.replay($1) }),
        ("integrations/{name}/history/{number}/put-back", { try await $0.putBack($1) }),
        ("workspaces/{workspace}/reset", { try await $0.resetWorkspace($1) }),
    ]

    static func route(_ request: ConsoleRequest) -> (Handler, [String: String])? {
        for route in request.method == .get ? pages : acts {
            if let path = match(route.path, request.path) { return (route.handler, path) }
        }
        return nil
    }

    private static func match(_ pattern: String, _ path: [String]) -> [String: String]? {
        let parts = pattern.split(separator: "/")
        guard parts.count == path.count else { return nil }
        var open: [String: String] = [:]
        for (part, segment) in zip(parts, path) {
            if part.hasPrefix("{") {
                open[String(part.dropFirst().dropLast())] = segment
            } else if part != segment {
                return nil
            }
        }
        return open
    }
}
