import Foundation
import LosslessJSON
import Synchronization
import Testing

@testable import Console

/// Pages over an admin API that answers by a script.
@Suite struct `A page` {
    private func console(_ answer: @escaping @Sendable (AdminCall) -> (Int, JSON)) -> Console {
        Console(
            ask: { call in
                let (status, json) = answer(call)
                return AdminReply(status: status, body: json.encoded())
            },
            now: { 1_700_000_000_000 }
        )
    }

    private func html(_ answer: ConsoleAnswer) -> (text: String, status: Int)? {
        guard case .html(let text, let status) = answer else { return nil }
        return (text, status)
    }

    @Test func `tells in the admin API's words what it refuses`() async throws {
        let console = console { _ in (404, ["meta": ["error": "there is no event 7 <b>"]]) }
        let page = try #require(html(await console.answer(ConsoleRequest(.get, path: ["events", "7"]))))
        #expect(page.status == 404 && page.text.contains("there is no event 7 &lt;b&gt;"))
    }

    @Test func `that is not there says so, whoever asks for it`() async throws {
        let console = console { _ in (200, [:]) }
        for path in [["nothing"], ["events", "1", "2"], ["failed", "retry"], ["..", "admin"]] {
            let page = try #require(html(await console.answer(ConsoleRequest(.get, path: path))))
            #expect(page.status == 404, "\(path)")
        }
        let act = try #require(html(await console.answer(ConsoleRequest(.post, path: ["events"]))))
        #expect(act.status == 404)
    }

    @Test func `asks for what it shows with everything encoded`() async throws {
        let targets = Mutex<[String]>([])
        let console = console { call in
            targets.withLock { $0.append(call.target) }
            return (200, ["items": [], "next": .null])
        }
        let request = ConsoleRequest(.get, path: ["events"], query: ["user_id": "a&b=c/ü", "name": "", "cursor": "7"])
        _ = await console.answer(request)
        #expect(targets.withLock { $0 } == ["/admin/v1/events?limit=50&cursor=7&user_id=a%26b%3Dc%2F%C3%BC"])
    }

    @Test func `of a hostile event breaks out of nothing`() async throws {
        let hostile = JSON.string("\"><img src=x onerror=alert(1)>\"\u{301} onfocus=x")
        let console = console { call in
            switch call.target {
            case let target where target.hasPrefix("/admin/v1/workspaces"): (200, ["items": [["name": hostile]]])
            case let target where target.hasPrefix("/admin/v1/sources"): (200, ["items": [], "url": "http://x"])
            default:
                (
                    200,
                    [
                        "number": 1, "source": hostile, "receivedAt": "2023-11-14T22:13:20.000Z",
                        "message": ["type": "track", "event": hostile, "userId": hostile, "messageId": hostile],
                        "integrations": [
                            [
                                "integration": hostile, "state": hostile, "revision": 1, "ignored": [],
                                "warnings": [["action": hostile, "message": hostile]], "trace": [],
                                "operations": [
                                    [
                                        "action": hostile, "method": "POST", "path": hostile, "state": hostile,
                                        "words": hostile, "id": hostile, "body": [:], "attempts": [],
                                    ]
                                ],
                            ]
                        ],
                    ]
                )
            }
        }
        let page = try #require(html(await console.answer(ConsoleRequest(.get, path: ["events", "1"]))))
        #expect(page.status == 200)
        #expect(!page.text.contains("<img") && !page.text.contains("\"\u{301}"))
        #expect(page.text.contains("&lt;img"))
    }

    /// A name that a template asks for and no page gives would be shown as nothing.
    @Test func `has a template that can be read for each that is named`() throws {
        for answer in [Templates.shared.render("error", ["words": "w"]), Templates.shared.render("nothing", [:])] {
            #expect(answer.contains("w") || answer == "there is no template nothing")
        }
    }

    @Test(arguments: [
        (
            form: ["act": "add", "subject": "properties.plan", "operator": "=", "value": "pro"],
            expected: #"properties.plan = "pro""#
        ),
        (form: ["act": "add", "subject": "properties.n", "operator": ">", "value": "3"], expected: "properties.n > 3"),
        (
            form: ["act": "add", "subject": "event", "operator": "contains", "value": "a\"b"],
            expected: #"contains(event, "a\"b")"#
        ),
    ])
    func `builds a condition for those who do not type it`(form: [String: String], expected: String) async throws {
        let action: JSON = [
            "name": "track-event", "title": "Track Event", "trigger": "type = \"track\"",
            "defaultTrigger": "type = \"track\"",
            "lockedBecause": .null, "fields": [],
        ]
        let console = console { call in
            switch call.target {
            case let target where target.hasSuffix("/actions"): (200, ["items": [action]])
            case let target where target.hasSuffix("/revisions/1"): (200, ["section": ["type": "customerio"]])
            case let target where target.hasSuffix("/integrations/shop"):
                (200, ["revision": 1, "managedBy": "database"])
            case let target where target.hasSuffix("/triggers/check"): (200, ["valid": true])
            default: (200, ["items": []])
            }
        }
        var form = form
        form["trigger"] = "type = \"track\""
        let request = ConsoleRequest(.post, path: ["integrations", "shop", "actions", "track-event"], form: form)
        let page = try #require(html(await console.answer(request)))
        #expect(page.text.contains(EscapedText().escapeText("(type = \"track\") and \(expected)")))
    }
}
