import Foundation
import Testing

@Suite(.timeLimit(.minutes(3))) struct `ferry import` {
    private static let export = #"""
        {"data":{"subscriptions":[
          {"name":"Signed Up","actionSlug":"trackEvent","enabled":true,"trigger":"event = \"Signed Up\"",
           "settings":{"id":{"@path":"$.userId"},"name":"signup","data":{"@path":"$.properties"}}}]}}
        """#

    @Test func `prints a configuration that ferry check takes, and tells what differs`() async throws {
        let folder = try ScratchFolder()
        let file = try folder.file("export.json", Self.export)
        let result = try await FerryProcess.run(["import", file, "--integration", "shop", "--verbose"])
        #expect(result.status == 0)
        #expect(result.output.contains("  shop:\n"))
        let unchanged = #"same  subscriptions[0] "Signed Up": id, data as Ferry has it by default, left out"#
        #expect(result.errors.contains(unchanged))
        #expect(result.errors.contains("differs  actions that name a person"))
        #expect(result.errors.contains("1 action imported: track-event\n"))
        let off = "switched off, because the export does not have them: create-or-update-person, "
        #expect(result.errors.contains(off))
        let configuration = try folder.file("ferry.yaml", result.output)
        let environment = ["CIO_SITE_ID": "s", "CIO_API_KEY": "k"]
        let check = try await FerryProcess.run(["check", configuration], environment: environment)
        #expect(check.status == 0, "\(check.errors)")
        #expect(check.errors == "")
    }

    @Test func `reads standard input`() async throws {
        let result = try await FerryProcess.run(["import"], input: Self.export)
        #expect(result.status == 0)
        #expect(result.output.contains("name: signup"))
    }

    @Test func `exits with 1 where something is lost, and prints the rest`() async throws {
        let result = try await FerryProcess.run(
            ["import"],
            input: Self.export.replacingOccurrences(of: #""signup""#, with: #"{"@liquid":"{{ event }}"}"#)
        )
        #expect(result.status == 1)
        #expect(result.output.contains("enabled: false"))
        #expect(result.errors.contains(#"lost  subscriptions[0] "Signed Up", settings.name"#))
        #expect(result.errors.contains("    → write `name` in the mapping, then take `enabled: false` away"))
        #expect(result.errors.contains("1 thing could not be carried over"))
    }

    @Test(arguments: [
        ("{\"subscriptions\":", "standard input is not JSON"), ("{}", "standard input is no export: it has neither"),
    ])
    func `says what is no export`(text: String, words: String) async throws {
        let result = try await FerryProcess.run(["import"], input: text)
        #expect(result.status == 1)
        #expect(result.output == "")
        #expect(result.errors.contains(words), "\(result.errors)")
    }

    @Test func `refuses a name that no integration can have`() async throws {
        let result = try await FerryProcess.run(["import", "--integration", "a\nb"], input: Self.export)
        #expect(result.status == 1)
        #expect(result.output == "")
        #expect(result.errors.contains("what was imported:2:"), "\(result.errors)")
    }

    @Test func `names the file that is not there`() async throws {
        let result = try await FerryProcess.run(["import", "/nowhere/export.json"])
        #expect(result.status == 64)
        #expect(result.errors.contains("/nowhere/export.json can't be read"))
    }
}
