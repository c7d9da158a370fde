import Foundation

/// Lines of a file or of standard input, one at a time. Lines end in LF only: U+2028 and its like may stand raw in a JSON
/// string.
struct LineReader: Sequence, IteratorProtocol {
    private static let chunkBytes = 1 << 16
    private let file: FileHandle
    private var buffer: [UInt8] = []
    private var position = 0
    private var isAtEnd = false

    /// `nil` and `-` are standard input.
    ///
    /// - Throws: what the system says when the file can't be opened.
    init(path: String?) throws {
        if let path, path != "-" {
            file = try FileHandle(forReadingFrom: URL(fileURLWithPath: path))
        } else {
            file = FileHandle.standardInput
        }
    }

    /// The next line without its LF; an unfinished last line counts.
    mutating func next() -> [UInt8]? {
        var searched = position
        while true {
            if let end = buffer[searched...].firstIndex(of: UInt8(ascii: "\n")) {
                defer { position = end + 1 }
                return Array(buffer[position..<end])
            }
            if isAtEnd {
                guard position < buffer.count else { return nil }
                defer { position = buffer.count }
                return Array(buffer[position...])
            }
            buffer.removeFirst(position)
            position = 0
            searched = buffer.count
            if let chunk = try? file.read(upToCount: Self.chunkBytes), !chunk.isEmpty {
                buffer.append(contentsOf: chunk)
            } else {
                isAtEnd = true
            }
        }
    }
}

extension LineReader {
    /// The same reader with a line that was read already put back in front.
    func preceded(by line: [UInt8]) -> LineReader {
        var reader = self
        reader.buffer = line + [UInt8(ascii: "\n")] + buffer[position...]
        reader.position = 0
        return reader
    }
}
