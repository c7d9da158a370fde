import Foundation

/// The source messages that are measured, each as the bytes in which it arrives.
struct Messages {
    let all: [[UInt8]]
    private let origin: String

    /// Those of a file, one a line, or 2,000 generated ones.
    init(file path: String?) throws {
        if let path {
            let lines = try Data(contentsOf: URL(filePath: path)).split(separator: UInt8(ascii: "\n"))
            all = lines.map(Array.init)
            origin = "of \(path)"
        } else {
            var generator = EventGenerator()
            all = generator.messages(2_000)
            origin = "generated"
        }
    }

    var bytes: Int { all.reduce(0) { $0 + $1.count } }

    var summary: String {
        "\(all.count) messages, \(origin), \(bytes / max(all.count, 1)) bytes on average"
    }
}
