import CPostgres

/// The rows of a statement, in binary format; they are there as long as this is kept. Rows and columns count from 0.
package final class PostgresResult {
    private let functions: ferry_libpq
    /// libpq's `PGresult`, freed with this value.
    private let result: OpaquePointer
    /// How many rows there are.
    package let count: Int
    /// How many rows an INSERT, UPDATE or DELETE touched, or a SELECT found; 0 for other statements.
    package let changes: Int
    private let types: [UInt32]

    /// Takes over a result of libpq.
    init(_ functions: ferry_libpq, _ result: OpaquePointer) {
        self.functions = functions
        self.result = result
        count = Int(functions.PQntuples(result))
        changes = functions.PQcmdTuples(result).flatMap { Int(String(cString: $0)) } ?? 0
        types = (0..<functions.PQnfields(result)).map { functions.PQftype(result, $0) }
    }

    deinit {
        functions.PQclear(result)
    }

    /// Whether a value is NULL; also where there is none.
    package func isNull(_ row: Int, _ column: Int) -> Bool {
        guard isThere(row, column) else { return true }
        return functions.PQgetisnull(result, Int32(row), Int32(column)) == 1
    }

    /// A number: of `int2`, `int4`, `int8`, a `numeric` that is whole, or a `bool` as 0 or 1.
    ///
    /// - Throws: where the value is NULL, of another type, or does not fit.
    package func integer(_ row: Int, _ column: Int) throws(PostgresError) -> Int64 {
        let bytes = try value(row, column)
        let number: Int64? =
            switch types[column] {
            case PostgresType.int8: Self.integer(bytes, as: Int64.self)
            case PostgresType.int4: Self.integer(bytes, as: Int32.self)
            case PostgresType.int2: Self.integer(bytes, as: Int16.self)
            case PostgresType.bool: Self.integer(bytes, as: UInt8.self)
            case PostgresType.numeric: Self.numeric(bytes)
            default: nil
            }
        guard let number else { throw unexpected(column, "is no whole number of 64 bits") }
        return number
    }

    /// The bytes of a `text`, `varchar`, `char`, `name` or `bytea`.
    ///
    /// - Throws: where the value is NULL or of another type.
    package func bytes(_ row: Int, _ column: Int) throws(PostgresError) -> [UInt8] {
        let bytes = try value(row, column)
        switch types[column] {
        case PostgresType.text, PostgresType.bytea, PostgresType.varchar, PostgresType.paddedText, PostgresType.name,
            PostgresType.char:
            return Array(bytes)
        default: throw unexpected(column, "is neither text nor bytes")
        }
    }

    private func isThere(_ row: Int, _ column: Int) -> Bool {
        (0..<count).contains(row) && types.indices.contains(column)
    }

    /// A value's own bytes: they stay where they are as long as the result does.
    private func value(_ row: Int, _ column: Int) throws(PostgresError) -> UnsafeRawBufferPointer {
        guard isThere(row, column) else {
            throw PostgresError(
                .unexpectedValue,
                "There is no row \(row) with a column \(column) among \(count) rows of \(types.count) columns"
            )
        }
        guard !isNull(row, column) else { throw unexpected(column, "is NULL") }
        let length = functions.PQgetlength(result, Int32(row), Int32(column))
        return UnsafeRawBufferPointer(
            start: functions.PQgetvalue(result, Int32(row), Int32(column)),
            count: Int(length)
        )
    }

    private func unexpected(_ column: Int, _ words: String) -> PostgresError {
        PostgresError(.unexpectedValue, "Column \(column), of PostgreSQL's type \(types[column]), \(words)")
    }

    private static func integer<Number: FixedWidthInteger>(
        _ bytes: UnsafeRawBufferPointer,
        as _: Number.Type
    ) -> Int64? {
        guard bytes.count == MemoryLayout<Number>.size else { return nil }
        return Int64(Number(bigEndian: bytes.loadUnaligned(as: Number.self)))
    }

    /// A `numeric`: four numbers of 16 bits (how many digits, the first one's power, sign, scale), then digits to the base
    /// of 10,000. Summed downwards, because the lowest number has no positive counterpart.
    private static func numeric(_ bytes: UnsafeRawBufferPointer) -> Int64? {
        let fields = stride(from: 0, to: bytes.count - 1, by: 2).map {
            Int64(Int16(bigEndian: bytes.loadUnaligned(fromByteOffset: $0, as: Int16.self)))
        }
        guard fields.count >= 4, fields.count == 4 + Int(fields[0]) else { return nil }
        let (power, sign, digits) = (Int(fields[1]), fields[2], fields[4...])
        let isNegative = sign == 0x4000
        guard isNegative || sign == 0 else { return nil }
        guard let last = digits.lastIndex(where: { $0 != 0 }) else { return 0 }
        // Digits behind the point; and more digits than 64 bits have.
        guard last - 4 <= power, power < 5 else { return nil }
        var sum: Int64 = 0
        for place in 0...power {
            let digit = digits.indices.contains(place + 4) ? digits[place + 4] : 0
            let shifted = sum.multipliedReportingOverflow(by: 10_000)
            let lowered = shifted.partialValue.subtractingReportingOverflow(digit)
            guard !shifted.overflow, !lowered.overflow else { return nil }
            sum = lowered.partialValue
        }
        if isNegative { return sum }
        return sum == .min ? nil : -sum
    }
}
