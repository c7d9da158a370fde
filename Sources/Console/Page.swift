import LosslessJSON

/// The data of a template: texts, numbers, truths, lists and further data, by name.
typealias View = [String: Any]

/// One page: what is shown where.
struct Page {
    let title: String
    var section: Section?
    let template: String
    let view: View

    init(title: String, in section: Section? = nil, template: String, view: View) {
        self.title = title
        self.section = section
        self.template = template
        self.view = view
    }
}

/// What stands in the navigation.
enum Section: CaseIterable {
    case overview, events, failed, rejected, jobs, workspaces, start

    var title: String {
        switch self {
        case .overview: "Overview"
        case .events: "Events"
        case .failed: "Failed"
        case .rejected: "Rejected"
        case .jobs: "Replays"
        case .workspaces: "Workspaces"
        case .start: "Connect"
        }
    }

    var path: String {
        switch self {
        case .overview: "/console"
        case .events: "/console/events"
        case .failed: "/console/failed"
        case .rejected: "/console/rejected"
        case .jobs: "/console/jobs"
        case .workspaces: "/console/workspaces"
        case .start: "/console/connect"
        }
    }
}

/// A request and the segments that its route left open.
struct ConsoleVisit {
    let request: ConsoleRequest
    private let path: [String: String]

    init(_ request: ConsoleRequest, _ path: [String: String]) {
        self.request = request
        self.path = path
    }

    /// The segment behind `{name}`.
    subscript(name: String) -> String { (path[name] ?? "").withoutMark }

    /// A parameter of the query; `nil` when it is empty, as browsers send what was not filled in.
    func query(_ name: String) -> String? {
        request.query[name].flatMap { $0.isEmpty ? nil : $0 }
    }

    /// A field of the form; `nil` when it is empty.
    func field(_ name: String) -> String? {
        request.form[name].flatMap { $0.isEmpty ? nil : $0 }
    }
}

/// What a handler says.
enum Outcome {
    case page(Page)
    /// An act is done: to a page that tells so.
    case goTo(String, said: String?)
    case file(DownloadedFile)
    /// For the script.
    case text(String)
}
