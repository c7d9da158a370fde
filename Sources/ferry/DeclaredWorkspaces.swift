import Integrations
import Server

extension EmbeddedWorkspaces {
    /// Opens those of earlier runs, and says which keys can't be read.
    func recallSaying() async throws {
        for name in try await recall() {
            Terminal.error(
                "the key of the workspace \(name) does not open with seal.key: who comes first with its name as site id has it"
            )
        }
    }

    /// Adds the workspaces that a file declares.
    ///
    /// - Throws: `SecretReference.Missing` for the keys of a workspace that are not there.
    func declare(_ file: Configuration) throws {
        for workspace in file.workspaces {
            declare(
                workspace.name,
                siteID: try workspace.siteId.resolved(),
                apiKey: try workspace.apiKey.resolved()
            ) { traits in
                traits.change(by: workspace.settings)
                traits.redirectsTo = workspace.redirectsTo
                traits.region = workspace.region == .eu ? .eu : .us
            }
        }
    }
}

extension EmbeddedWorkspace.Traits {
    /// A new workspace's, changed as a file says for all of them.
    init(_ file: Configuration.WorkspaceSettings) {
        self.init()
        change(by: file)
    }
}
