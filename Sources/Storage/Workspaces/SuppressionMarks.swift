/// Marks of identifiers that are suppressed: hashes under a secret of the workspace, which do not tell the identifier.
enum SuppressionMarks {
    /// 16 bytes.
    static func newKey() -> [UInt8] {
        var generator = SystemRandomNumberGenerator()
        return (0..<16).map { _ in UInt8.random(in: 0...255, using: &generator) }
    }

    static func mark(of value: String, _ kind: String, with key: [UInt8]) -> Bytes {
        var input: [UInt8] = []
        input.append(field: kind)
        input.append(field: value)
        return Bytes(SipHash128.hash(input, secret: key).bytes)
    }
}
