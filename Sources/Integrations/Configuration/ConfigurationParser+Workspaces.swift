import LosslessJSON
package import TrackAPI
import Yams

extension Configuration {
    /// An embedded workspace that is there beside those of the integrations.
    package struct Workspace: Sendable, Equatable {
        package enum Region: String, Sendable, CaseIterable {
            case us, eu
        }

        package let name: String
        package let siteId: SecretReference
        package let apiKey: SecretReference
        /// Where it claims to live.
        package let region: Region
        /// The region's host: calls by another name are sent there.
        package let redirectsTo: Endpoint?
        /// Where it behaves otherwise than all of them.
        package let settings: WorkspaceSettings
    }
}

extension ConfigurationParser {
    mutating func readWorkspaces(_ node: Node) {
        guard let entries = reader.mapping(node, "`workspaces`") else { return }
        for entry in entries {
            var keys: [String: SecretReference] = [:]
            var region = Configuration.Workspace.Region.us
            var settings = Configuration.WorkspaceSettings()
            var redirectsTo: Endpoint?
            let known = ["site_id", "api_key", "region", "redirect_to", "settings"]
            let read = readKeys(of: entry.value, "a workspace", known: known) { parser, name, value in
                if name == "settings" {
                    settings = parser.workspaceSettings(value, name)
                    return
                }
                guard let text = parser.reader.string(value, "`\(name)`") else { return }
                if name == "redirect_to" {
                    redirectsTo = parser.redirect(value, text)
                    return
                }
                guard name == "region" else {
                    keys[name] = SecretReference(text)
                    return
                }
                if let given = Configuration.Workspace.Region(rawValue: text.lowercased()) {
                    region = given
                } else {
                    parser.reader.note(value, "unknown region `\(text)`", "write `us` or `eu`")
                }
            }
            guard isName(entry.name, of: "a workspace", entry.key) else { continue }
            for key in known.prefix(2) where read?.contains(key) == false {
                reader.note(entry.key, "the workspace `\(entry.name)` has no `\(key)`", "add `\(key): env:NAME`")
            }
            if region == .us, redirectsTo != nil {
                reader.note(
                    entry.key,
                    "the workspace `\(entry.name)` is in the US, whose host sends nobody on",
                    "add `region: eu`"
                )
            }
            guard let siteId = keys["site_id"], let apiKey = keys["api_key"] else { continue }
            add(
                Configuration.Workspace(
                    name: entry.name,
                    siteId: siteId,
                    apiKey: apiKey,
                    region: region,
                    redirectsTo: redirectsTo,
                    settings: settings
                ),
                entry.key
            )
        }
    }

    private mutating func redirect(_ node: Node, _ text: String) -> Endpoint? {
        do throws(EndpointError) {
            return try Endpoint(text)
        } catch {
            reader.note(node, "`redirect_to`: \(error)", "write the URL of the EU's host: http://localhost:8081")
            return nil
        }
    }

    /// Whose site id another one has, would never be opened; an integration's own workspace has the integration's name.
    private mutating func add(_ workspace: Configuration.Workspace, _ node: Node) {
        if let twin = configuration.workspaces.first(where: { $0.siteId == workspace.siteId }) {
            reader.note(node, "the workspaces `\(twin.name)` and `\(workspace.name)` have the same `site_id`")
        }
        let brings = configuration.integrations.contains {
            $0.settings.destination == .workspace && $0.name.hasSameBytes(as: workspace.name)
        }
        if brings {
            reader.note(
                node,
                "the integration `\(workspace.name)` brings a workspace of its name along",
                "give this one another name, or write its keys into the integration's `settings`"
            )
        }
        append(workspace)
    }
}
