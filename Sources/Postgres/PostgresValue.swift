/// A value of a statement, with its PostgreSQL type: it is always given, so that no statement is ambiguous.
///
/// A text is UTF-8 without NUL, which PostgreSQL can't store: that is the caller's care, and the server refuses others.
package enum PostgresValue: Sendable, Equatable {
    /// `int8`.
    case integer(Int64?)
    /// `text`.
    case text([UInt8]?)
    /// `bytea`.
    case bytes([UInt8]?)
    /// `int8[]`.
    case integers([Int64?])
    /// `text[]`.
    case texts([[UInt8]?])
    /// `bytea[]`.
    case byteses([[UInt8]?])

    /// The type's number in `pg_type`.
    var type: UInt32 {
        switch self {
        case .integer: PostgresType.int8
        case .text: PostgresType.text
        case .bytes: PostgresType.bytea
        case .integers: PostgresType.int8Array
        case .texts: PostgresType.textArray
        case .byteses: PostgresType.byteaArray
        }
    }
}

/// The numbers that `pg_type` gives to types; they are part of the protocol and never change.
enum PostgresType {
    static let bool: UInt32 = 16
    static let bytea: UInt32 = 17
    static let char: UInt32 = 18
    static let name: UInt32 = 19
    static let int8: UInt32 = 20
    static let int2: UInt32 = 21
    static let int4: UInt32 = 23
    static let text: UInt32 = 25
    static let paddedText: UInt32 = 1042
    static let varchar: UInt32 = 1043
    static let numeric: UInt32 = 1700
    static let byteaArray: UInt32 = 1001
    static let textArray: UInt32 = 1009
    static let int8Array: UInt32 = 1016
}

/// The values of one statement in PostgreSQL's binary format: one buffer for all of them.
struct EncodedValues {
    /// The types, by position.
    let types: [UInt32]
    private var buffer: [UInt8] = []
    /// Where each value stands in the buffer; `nil` for NULL.
    private var ranges: [Range<Int>?] = []

    init(_ values: [PostgresValue]) throws(PostgresError) {
        types = values.map(\.type)
        guard values.count <= 65_535 else {
            throw PostgresError(.unexpectedValue, "A statement has \(values.count) values; PostgreSQL takes 65,535")
        }
        // The server refuses a message of a gibibyte, and libpq counts in 32 bits.
        let size = values.reduce(0) { $0 + Self.size(of: $1) }
        guard size < 1 << 30 else {
            throw PostgresError(.unexpectedValue, "The values of a statement are \(size) bytes; PostgreSQL takes 1 GiB")
        }
        buffer.reserveCapacity(size)
        ranges.reserveCapacity(values.count)
        for value in values {
            let start = buffer.count
            let isNull = !append(value)
            ranges.append(isNull ? nil : start..<buffer.count)
        }
    }

    /// The arguments that libpq wants: their number, places, lengths and formats.
    func withPointers<Answer>(
        _ use: (Int32, UnsafePointer<UnsafePointer<CChar>?>, UnsafePointer<Int32>, UnsafePointer<Int32>) -> Answer
    ) -> Answer {
        let lengths = ranges.map { Int32($0?.count ?? 0) }
        let formats = [Int32](repeating: 1, count: ranges.count)
        return buffer.withUnsafeBytes { bytes in
            // A buffer without a byte may have no address, but NULL would mean NULL: then any address will do.
            withUnsafePointer(to: 0 as CChar) { nothing in
                let pointers = ranges.map { range -> UnsafePointer<CChar>? in
                    guard let range else { return nil }
                    guard let base = bytes.baseAddress else { return nothing }
                    return (base + range.lowerBound).assumingMemoryBound(to: CChar.self)
                }
                return use(Int32(ranges.count), pointers, lengths, formats)
            }
        }
    }

    /// - Returns: whether the value is there; `false` for NULL.
    private mutating func append(_ value: PostgresValue) -> Bool {
        switch value {
        case .integer(let number):
            guard let number else { return false }
            append(number)
        case .text(let bytes), .bytes(let bytes):
            guard let bytes else { return false }
            buffer += bytes
        case .integers(let numbers):
            appendHead(of: numbers, PostgresType.int8)
            for number in numbers {
                append(Int32(number == nil ? -1 : 8))
                if let number { append(number) }
            }
        case .texts(let texts):
            append(texts, PostgresType.text)
        case .byteses(let byteses):
            append(byteses, PostgresType.bytea)
        }
        return true
    }

    private mutating func append(_ elements: [[UInt8]?], _ type: UInt32) {
        appendHead(of: elements, type)
        for bytes in elements {
            append(bytes.map { Int32($0.count) } ?? -1)
            if let bytes { buffer += bytes }
        }
    }

    /// Dimensions, whether there is a NULL, the elements' type; of the one dimension its length and first index.
    private mutating func appendHead<Element>(of elements: [Element?], _ type: UInt32) {
        append(Int32(elements.isEmpty ? 0 : 1))
        append(Int32(elements.contains { $0 == nil } ? 1 : 0))
        append(type)
        guard !elements.isEmpty else { return }
        append(Int32(elements.count))
        append(1 as Int32)
    }

    private mutating func append(_ number: some FixedWidthInteger) {
        withUnsafeBytes(of: number.bigEndian) { buffer.append(contentsOf: $0) }
    }

    private static func size(of value: PostgresValue) -> Int {
        let head = 20
        return switch value {
        case .integer: 8
        case .text(let bytes), .bytes(let bytes): bytes?.count ?? 0
        case .integers(let numbers): head + 12 * numbers.count
        case .texts(let elements), .byteses(let elements): elements.reduce(head) { $0 + 4 + ($1?.count ?? 0) }
        }
    }
}
