import LosslessJSON
package import Storage
import Synchronization
package import TrackAPI
package import Workspaces

/// An embedded workspace and the credentials that open it.
package struct EmbeddedWorkspace: Sendable {
    /// Where the workspace claims to live; what `GET /api/v1/accounts/region` says (track-api.md §9.1).
    package enum Region: String, Sendable, CaseIterable {
        case us, eu
    }

    /// How it behaves.
    package struct Traits: Sendable {
        /// What it says about where it lives.
        package var region = Region.us
        /// The host of its region: who calls it by another name is sent there (track-api.md §1); `nil`, every name will do.
        package var redirectsTo: Endpoint?
        /// Requests that it takes in one second, more being answered 429; `nil`, as many as come.
        package var requestsPerSecond: Int?
        /// Whether a batch of which every item is wrong is answered 207, as one of which some are; else 400 (§10, §24).
        package var answersInvalidBatchInPart = false
        /// Whether a segment that is not there is answered 404; else 400 (§9.14, §24).
        package var missesSegments = false
        /// How it carries out operations.
        package var settings = WorkspaceSettings()

        package init() {}
    }

    /// What `?workspace=` and the header `x-ferry-workspace` call it.
    package let name: String
    fileprivate let siteID: [UInt8]
    fileprivate let apiKey: [UInt8]
    let traits: Traits
    /// The number of the workspace.
    package let environmentID: Int64
    /// What carries out the operations.
    package let workspace: Workspace

    /// A workspace; empty credentials open nothing.
    package init(
        name: String,
        siteID: String,
        apiKey: String,
        environmentID: Int64 = 1,
        traits: Traits = Traits(),
        in store: WorkspaceStore
    ) {
        self.name = name
        self.siteID = Array(siteID.utf8)
        self.apiKey = Array(apiKey.utf8)
        self.environmentID = environmentID
        self.traits = traits
        workspace = Workspace(name: name, in: store, settings: traits.settings)
    }
}

extension EmbeddedWorkspace: CustomStringConvertible {
    /// Without the credentials, so that they end up in no log.
    package var description: String { "workspace \(name)" }
}

extension EmbeddedWorkspace {
    /// The name by which clients know it.
    package var site: String { String(decoding: siteID, as: UTF8.self) }

    /// What opens it, for whoever starts clients of it.
    package var credentials: (siteID: String, apiKey: String) { (site, String(decoding: apiKey, as: UTF8.self)) }
}

/// The embedded workspaces of a running Ferry; integrations that come later bring theirs along.
package final class EmbeddedWorkspaces: Sendable {
    /// Those that strangers make by coming: more are no mistake of a test, but of a loop.
    static let madeOnFirstUse = 1000

    fileprivate struct State {
        var workspaces: [EmbeddedWorkspace]
        var doubles: [String: TestDouble] = [:]
        var made = 0
        /// What was known of the keys that are kept when they were read last.
        var keysMark: [Int64] = []
    }

    private let state: Mutex<State>
    /// Where further ones are kept; `nil` when there are none but those that are put.
    private let store: WorkspaceStore?
    private let createsOnFirstUse: Bool
    /// How those behave of which nothing else is said.
    private let traits: EmbeddedWorkspace.Traits
    private let journalBudget = ByteBudget(limit: Journal.bytesInAll)
    /// Of requests that no workspace was opened by.
    let strangers: TestDouble

    /// - Parameters:
    ///   - workspaces: those that are there from the start.
    ///   - store: where further ones are kept.
    ///   - createsOnFirstUse: whether credentials that nobody knows make a workspace named after their site id.
    ///   - traits: how those behave that are made here, where nothing else is said of them.
    package init(
        _ workspaces: [EmbeddedWorkspace] = [],
        in store: WorkspaceStore? = nil,
        createsOnFirstUse: Bool = false,
        traits: EmbeddedWorkspace.Traits = EmbeddedWorkspace.Traits()
    ) {
        self.traits = traits
        state = Mutex(State(workspaces: workspaces))
        self.store = store
        self.createsOnFirstUse = createsOnFirstUse
        strangers = TestDouble(journal: Journal(budget: journalBudget))
    }

    package var all: [EmbeddedWorkspace] { state.withLock(\.workspaces) }

    /// Adds a workspace, or gives one other credentials.
    package func put(_ name: String, siteID: String, apiKey: String) {
        guard let store else { return }
        state.withLock { _ = $0.put(name, make(name, siteID, apiKey, traits, in: store)) }
    }

    private func make(
        _ name: String,
        _ siteID: String,
        _ apiKey: String,
        _ traits: EmbeddedWorkspace.Traits,
        in store: WorkspaceStore
    ) -> (_ environmentID: Int64) -> EmbeddedWorkspace {
        { number in
            EmbeddedWorkspace(
                name: name,
                siteID: siteID,
                apiKey: apiKey,
                environmentID: number,
                traits: traits,
                in: store
            )
        }
    }

    /// Adds a workspace that is not there yet.
    ///
    /// - Parameters:
    ///   - name: what it is called.
    ///   - siteID: empty for one that waits for whoever comes with its name as site id.
    ///   - apiKey: what opens it, together with the site id.
    ///   - change: what is different about it.
    /// - Returns: `nil` when there is one of this name or site id.
    @discardableResult
    package func declare(
        _ name: String,
        siteID: String,
        apiKey: String,
        _ change: (inout EmbeddedWorkspace.Traits) -> Void = { _ in }
    ) -> EmbeddedWorkspace? {
        guard let store else { return nil }
        var traits = traits
        change(&traits)
        return state.withLock { state -> EmbeddedWorkspace? in
            guard !state.isTaken(name, siteID: siteID) else { return nil }
            return state.put(name, make(name, siteID, apiKey, traits, in: store))
        }
    }

    /// Opens the workspaces that strangers have made or somebody has asked for, before the last start or at another node. Those
    /// that are there keep their credentials.
    ///
    /// - Returns: the names of those whose keys can't be read: they wait for whoever comes first.
    /// - Throws: the error of the disk.
    @discardableResult
    package func recall() async throws(StorageError) -> [String] {
        guard let store else { return [] }
        let known = Set(all.map { Array($0.name.utf8) })
        let kept = try await store.keptKeys { !known.contains(Array($0.utf8)) }
        for keys in kept {
            // Of one whose key can't be read, whoever asks again has it.
            guard let wish = keys.traits, let apiKey = keys.apiKey else { continue }
            declare(keys.workspace, siteID: keys.siteId, apiKey: apiKey) { traits in
                try? traits.change(by: wish)
            }
        }
        guard createsOnFirstUse else { return [] }
        let strangers = kept.filter { $0.traits == nil }
        for keys in strangers {
            declare(keys.workspace, siteID: keys.apiKey == nil ? "" : keys.siteId, apiKey: keys.apiKey ?? "")
        }
        return strangers.filter { $0.apiKey == nil }.map(\.workspace)
    }

    /// Gets to know what other nodes have made meanwhile.
    func learn() async throws(StorageError) {
        guard let store, store.isShared else { return }
        let mark = try await store.keysMark()
        guard mark != state.withLock({ $0.keysMark }) else { return }
        try await recall()
        state.withLock { $0.keysMark = mark }
    }

    /// Adds a workspace that somebody asks for, at all nodes and for good.
    ///
    /// - Parameters:
    ///   - name: what it is called.
    ///   - siteID: with `apiKey`, what opens it.
    ///   - apiKey: what opens it.
    ///   - wish: what is different about it, as `Traits.change(by:)` reads it.
    /// - Returns: `nil` when there is one of this name or site id.
    /// - Throws: `Mistake` of the wish, and the error of the disk.
    func add(_ name: String, siteID: String, apiKey: String, _ wish: JSON.Object) async throws -> EmbeddedWorkspace? {
        var traits = traits
        try traits.change(by: wish)
        try await learn()
        let isTaken = state.withLock { $0.isTaken(name, siteID: siteID) }
        guard let store, !isTaken else { return nil }
        // It is nobody's before it is kept: another node may be faster.
        let keys = WorkspaceStore.Keys(workspace: name, siteId: siteID, apiKey: apiKey, traits: wish)
        guard try await store.keep(keys) else { return nil }
        return declare(name, siteID: siteID, apiKey: apiKey) { $0 = traits }
    }

    /// The workspace that these credentials open. Takes the same time whichever it is, and for wrong ones.
    ///
    /// - Throws: the error of the disk, where one was made and its credentials can't be kept.
    func opened(by credentials: BasicCredentials) async throws(StorageError) -> EmbeddedWorkspace? {
        if let known = known(by: credentials) { return known }
        try await learn()
        if let known = known(by: credentials) { return known }
        guard let store, let keys = keys(for: credentials.user, credentials.password ?? []) else { return nil }
        // It is nobody's before it is kept: another node may be faster.
        if try await store.keep(keys) { make(for: keys, in: store) } else { try await learn() }
        return known(by: credentials)
    }

    private func known(by credentials: BasicCredentials) -> EmbeddedWorkspace? {
        var found: EmbeddedWorkspace?
        let password = credentials.password ?? []
        for workspace in all {
            let isUser = isSameSecret(credentials.user, as: workspace.siteID)
            let isPassword = isSameSecret(password, as: workspace.apiKey)
            if isUser, isPassword, credentials.password != nil { found = found ?? workspace }
        }
        return found
    }

    /// What opens the workspace of a client that comes for the first time; `nil` where there is to be none. A site id that is
    /// known is opened by its own key only.
    private func keys(for siteID: [UInt8], _ apiKey: [UInt8]) -> WorkspaceStore.Keys? {
        guard createsOnFirstUse, 1...150 ~= siteID.count, 1...1000 ~= apiKey.count,
            let site = String(validating: siteID, as: UTF8.self), let key = String(validating: apiKey, as: UTF8.self)
        else { return nil }
        return state.withLock { state in
            let name = state.isTaken(site, siteID: "") && state.waiting(site) == nil ? "\(site)-2" : site
            let isFree = state.waiting(name) != nil || !state.isTaken(name, siteID: site)
            guard isFree, !state.isTaken("", siteID: site) else { return nil }
            guard state.waiting(name) != nil || state.made < Self.madeOnFirstUse else { return nil }
            return WorkspaceStore.Keys(workspace: name, siteId: site, apiKey: key)
        }
    }

    /// Opens the workspace of a client that came for the first time, unless another request of the same client was faster.
    private func make(for keys: WorkspaceStore.Keys, in store: WorkspaceStore) {
        state.withLock { state in
            let name = keys.workspace
            guard state.waiting(name) != nil || !state.isTaken(name, siteID: keys.siteId) else { return }
            state.made += 1
            _ = state.put(name, make(name, keys.siteId, keys.apiKey ?? "", traits, in: store))
        }
    }

    /// The workspace of this name; without a name the only one there is.
    func named(_ name: String?) -> EmbeddedWorkspace? {
        let all = all
        guard let name else { return all.count == 1 ? all.first : nil }
        return all.first { $0.name.hasSameBytes(as: name) }
    }

    /// Forgets all requests: their bodies may name anybody.
    package func clearJournals() {
        let doubles = state.withLock { Array($0.doubles.values) }
        for double in doubles + [strangers] { double.journal.clear() }
    }

    /// What a workspace is as a test double; it stays when its credentials change.
    func double(of workspace: EmbeddedWorkspace) -> TestDouble {
        state.withLock { state in
            if let known = state.doubles[workspace.name] { return known }
            let double = TestDouble(journal: Journal(budget: journalBudget))
            state.doubles[workspace.name] = double
            return double
        }
    }
}

extension EmbeddedWorkspaces.State {
    /// Whether there is a workspace of this name, or one that this site id opens; an empty one opens none.
    fileprivate func isTaken(_ name: String, siteID: String) -> Bool {
        let siteID = Array(siteID.utf8)
        return workspaces.contains { $0.name.hasSameBytes(as: name) || !siteID.isEmpty && $0.siteID == siteID }
    }

    /// The workspace of this name that waits for whoever comes with it as site id.
    fileprivate func waiting(_ name: String) -> EmbeddedWorkspace? {
        workspaces.first { $0.name.hasSameBytes(as: name) && $0.siteID.isEmpty }
    }

    /// Adds a workspace, or puts it in the place of the one of its name; the number stays.
    fileprivate mutating func put(
        _ name: String,
        _ make: (_ environmentID: Int64) -> EmbeddedWorkspace
    ) -> EmbeddedWorkspace {
        if let position = workspaces.firstIndex(where: { $0.name.hasSameBytes(as: name) }) {
            workspaces[position] = make(workspaces[position].environmentID)
            return workspaces[position]
        }
        let workspace = make(Int64(workspaces.count + 1))
        workspaces.append(workspace)
        return workspace
    }
}
