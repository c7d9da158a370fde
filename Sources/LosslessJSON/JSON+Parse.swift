extension JSON {
    /// What a parser takes at most.
    package struct Limits: Sendable {
        /// The deepest nesting that can be asked for. Reading, writing, comparing and letting go of a value all
        /// recurse; at this depth each needs less than 256 KiB of stack, and less than 1 MiB in a debug build.
        package static let deepest = 512

        /// Objects and lists inside one another; more than `deepest` is taken as that.
        package var depth: Int
        /// Bytes of input. At worst (a list of lists of one digit), a value takes 22 times as much memory as its text,
        /// and up to 30 times while it is being read; an ordinary event takes 5 times.
        package var bytes: Int

        package init(depth: Int = 128, bytes: Int = 64 << 20) {
            self.depth = depth
            self.bytes = bytes
        }
    }

    /// Reads one JSON value.
    ///
    /// Time grows linearly with the input, whatever it holds.
    ///
    /// - Throws: `JSONError` with the place of the first fault: for a number, a word or a structure the byte that does
    ///   not fit, for an escape its backslash, for invalid UTF-8 the first byte of the sequence.
    package init(parsing bytes: UnsafeRawBufferPointer, limits: Limits = Limits()) throws(JSONError) {
        var parser = Parser(bytes, limits: limits)
        do {
            self = try parser.document()
        } catch {
            throw JSONError(error, in: bytes)
        }
    }

    /// Reads one JSON value.
    package init(parsing bytes: [UInt8], limits: Limits = Limits()) throws(JSONError) {
        self = try bytes.span.withUnsafeBytes { (bytes) throws(JSONError) in try JSON(parsing: bytes, limits: limits) }
    }

    /// Reads one JSON value.
    package init(parsing text: String, limits: Limits = Limits()) throws(JSONError) {
        self = try JSON(parsing: Array(text.utf8), limits: limits)
    }
}

extension JSONError {
    fileprivate init(_ fault: Parser.Fault, in bytes: UnsafeRawBufferPointer) {
        var line = 1
        var column = 1
        for byte in bytes[..<fault.offset] {
            column += 1
            if byte == UInt8(ascii: "\n") {
                line += 1
                column = 1
            }
        }
        self.init(code: fault.code, offset: fault.offset, line: line, column: column)
    }
}
