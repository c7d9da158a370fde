import Mustache

/// The templates of all pages, read once.
struct Templates: Sendable {
    private let library: MustacheLibrary

    static let shared = Templates()

    private init() {
        MustacheContentTypes.register(EscapedText(), named: "ESCAPED")
        MustacheContentTypes.register(TypedText(), named: "TYPED")
        var library = MustacheLibrary()
        for (name, bytes) in Self.sources {
            // Each file says it for itself, because a partial begins with Mustache's own escaping again.
            let text = "{{% CONTENT_TYPE:ESCAPED}}" + String(decoding: bytes, as: UTF8.self)
            do {
                try library.register(text, named: name)
            } catch {
                // The templates are in the program: a mistake in one is a mistake of this room, and every test shows it.
                preconditionFailure("the template \(name) can't be read: \(error)")
            }
        }
        self.library = library
    }

    /// - Returns: the page; a line that names the template when there is none of this name, which the tests would show.
    func render(_ name: String, _ view: View) -> String {
        library.render(Fields(view), withTemplate: name) ?? "there is no template \(name)"
    }

    private static let sources: [(name: String, bytes: [UInt8])] = [
        ("layout", PackageResources.layout_mustache), ("time", PackageResources.time_mustache),
        ("filters", PackageResources.filters_mustache), ("pager", PackageResources.pager_mustache),
        ("tabs", PackageResources.tabs_mustache), ("workspace_tabs", PackageResources.workspace_tabs_mustache),
        ("event_rows", PackageResources.event_rows_mustache), ("sums", PackageResources.sums_mustache),
        ("activity_rows", PackageResources.activity_rows_mustache),
        ("chart", PackageResources.chart_mustache), ("sources", PackageResources.sources_mustache),
        ("snippets", PackageResources.snippets_mustache),
        ("spans", PackageResources.spans_mustache),
        ("error", PackageResources.error_mustache), ("login", PackageResources.login_mustache),
        ("overview", PackageResources.overview_mustache), ("connect", PackageResources.connect_mustache),
        ("events", PackageResources.events_mustache), ("event", PackageResources.event_mustache),
        ("all_failed", PackageResources.all_failed_mustache), ("failed", PackageResources.failed_mustache),
        ("failed_operation", PackageResources.failed_operation_mustache),
        ("rejected", PackageResources.rejected_mustache), ("jobs", PackageResources.jobs_mustache),
        ("job", PackageResources.job_mustache), ("nodes", PackageResources.nodes_mustache),
        ("integration", PackageResources.integration_mustache), ("settings", PackageResources.settings_mustache),
        ("directory", PackageResources.directory_mustache),
        ("new_integration", PackageResources.new_integration_mustache),
        ("destination", PackageResources.destination_mustache), ("comparison", PackageResources.comparison_mustache),
        ("actions", PackageResources.actions_mustache), ("action", PackageResources.action_mustache),
        ("deliveries", PackageResources.deliveries_mustache), ("history", PackageResources.history_mustache),
        ("revision", PackageResources.revision_mustache), ("workspaces", PackageResources.workspaces_mustache),
        ("people", PackageResources.people_mustache), ("person", PackageResources.person_mustache),
        ("objects", PackageResources.objects_mustache), ("object", PackageResources.object_mustache),
        ("activity", PackageResources.activity_mustache), ("metrics", PackageResources.metrics_mustache),
        ("requests", PackageResources.requests_mustache), ("request", PackageResources.request_mustache),
    ]
}

/// Escapes for HTML byte by byte.
///
/// Mustache's own escaping goes by characters, and for it a quote with an accent over it is another one, which it lets
/// through; a browser sees the quote. Control characters and those that turn the direction of a text, with which a name can
/// pretend to be another, are shown as what they are.
struct EscapedText: MustacheContentType {
    func escapeText(_ text: String) -> String {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(text.utf8.count + 16)
        for scalar in text.unicodeScalars {
            switch scalar {
            case "<": bytes += "&lt;".utf8
            case ">": bytes += "&gt;".utf8
            case "&": bytes += "&amp;".utf8
            case "\"": bytes += "&quot;".utf8
            case "'": bytes += "&#39;".utf8
            case "\n", "\t": bytes.append(UInt8(scalar.value))
            case "\u{0}"..."\u{1F}", "\u{7F}"..."\u{9F}", "\u{61C}", "\u{200E}", "\u{200F}", "\u{202A}"..."\u{202E}",
                "\u{2066}"..."\u{2069}":
                bytes += "\\u{\(String(scalar.value, radix: 16, uppercase: true))}".utf8
            default: bytes += String(scalar).utf8
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}

/// Escapes what stands in a field of a form: it comes back as it went out, so that saving changes nothing that was not
/// touched. Nobody but the form's own reader sees it, and there it is what he has typed.
struct TypedText: MustacheContentType {
    func escapeText(_ text: String) -> String {
        var result = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "<": result += "&lt;"
            case ">": result += "&gt;"
            case "&": result += "&amp;"
            case "\"": result += "&quot;"
            case "'": result += "&#39;"
            case "\r": result += "&#13;"
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result
    }
}
