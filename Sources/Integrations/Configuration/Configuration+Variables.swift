extension Configuration {
    /// The environment variables that it names, wherever it names one.
    package var variables: Set<String> {
        var secrets = sources.flatMap(\.writeKeys) + [adminToken].compactMap(\.self)
        secrets += integrations.flatMap { [$0.settings.siteId, $0.settings.apiKey].compactMap(\.self) }
        secrets += workspaces.flatMap { [$0.siteId, $0.apiKey] }
        var names: Set<String> = []
        for case .environment(let name) in secrets { names.insert(name) }
        return names
    }
}
