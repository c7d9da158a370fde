import LosslessJSON
import Synchronization
package import Workspaces

/// An embedded workspace and the credentials that open it.
package struct EmbeddedWorkspace: Sendable {
    /// Where the workspace claims to live; what `GET /api/v1/accounts/region` says (track-api.md §9.1).
    package enum Region: String, Sendable, CaseIterable {
        case us, eu
    }

    /// What `?workspace=` and the header `x-ferry-workspace` call it.
    package let name: String
    fileprivate let siteID: [UInt8]
    fileprivate let apiKey: [UInt8]
    /// What it says about where it lives.
    package let region: Region
    /// The number of the workspace.
    package let environmentID: Int64
    /// Requests that it takes in one second, more being answered 429; `nil`, as many as come.
    package let requestsPerSecond: Int?
    /// What carries out the operations.
    package let workspace: Workspace

    /// A workspace; empty credentials open nothing.
    package init(
        name: String,
        siteID: String,
        apiKey: String,
        region: Region = .us,
        environmentID: Int64 = 1,
        requestsPerSecond: Int? = nil,
        workspace: Workspace
    ) {
        self.name = name
        self.siteID = Array(siteID.utf8)
        self.apiKey = Array(apiKey.utf8)
        self.region = region
        self.environmentID = environmentID
        self.requestsPerSecond = requestsPerSecond
        self.workspace = workspace
    }
}

extension EmbeddedWorkspace: CustomStringConvertible {
    /// Without the credentials, so that they end up in no log.
    package var description: String { "workspace \(name)" }
}

/// The embedded workspaces of a running Ferry; integrations that come later bring theirs along.
package final class EmbeddedWorkspaces: Sendable {
    private let workspaces: Mutex<[EmbeddedWorkspace]>

    package init(_ workspaces: [EmbeddedWorkspace] = []) {
        self.workspaces = Mutex(workspaces)
    }

    package var all: [EmbeddedWorkspace] { workspaces.withLock(\.self) }

    /// Adds a workspace, or gives one other credentials.
    ///
    /// - Parameters:
    ///   - name: what it is called.
    ///   - make: the workspace, with its number.
    package func put(_ name: String, _ make: (_ environmentID: Int64) -> EmbeddedWorkspace) {
        workspaces.withLock { workspaces in
            if let position = workspaces.firstIndex(where: { $0.name.hasSameBytes(as: name) }) {
                workspaces[position] = make(workspaces[position].environmentID)
            } else {
                workspaces.append(make(Int64(workspaces.count + 1)))
            }
        }
    }

    /// The workspace that these credentials open. Takes the same time whichever it is, and for wrong ones.
    func opened(by credentials: BasicCredentials) -> EmbeddedWorkspace? {
        var found: EmbeddedWorkspace?
        let password = credentials.password ?? []
        for workspace in all {
            let isUser = isSameSecret(credentials.user, as: workspace.siteID)
            let isPassword = isSameSecret(password, as: workspace.apiKey)
            if isUser, isPassword, credentials.password != nil { found = found ?? workspace }
        }
        return found
    }
}
