import LosslessJSON
import Mappings
import Testing

@Suite struct `Mapping vectors` {
    /// Lines of `mapping-vectors.ndjson` that source-api.md §5 contradicts, with the reason; there are none so far.
    static let contradicted: [Int: String] = [:]

    @Test func `all files are complete`() throws {
        #expect(try Vector.file("examples.ndjson").count == 83)
        #expect(try Vector.file("mapping-vectors.ndjson").count == 393)
    }

    @Test(arguments: try Vector.file("examples.ndjson"))
    func `the examples of source-api §5.7 give the right output`(vector: Vector) throws {
        let event = try #require(try json(try Vector.text(of: "examples-event.json")).objectValue)
        check(vector, on: event)
    }

    @Test(arguments: try Vector.file("mapping-vectors.ndjson").filter { contradicted[$0.line] == nil })
    func `the recorded outputs are met`(vector: Vector) throws {
        check(vector, on: try #require(vector.input))
    }

    private func check(_ vector: Vector, on event: JSON.Object) {
        guard let output = vector.output else {
            #expect(throws: MappingError.self) { try Mapping(vector.mapping).apply(to: event) }
            return
        }
        do {
            let found = try Mapping(vector.mapping).apply(to: event)
            #expect(found == output, "\(found?.description ?? "undefined")")
        } catch {
            Issue.record(error)
        }
    }
}
