/// The path of a request in segments, decoded after splitting: `a%2Fb` is one segment (track-api.md §1).
struct RequestPath: Sendable, Equatable {
    let segments: [String]

    /// Trailing and doubled slashes make no segment (source-api.md §1.1). `nil` if a segment is not UTF-8.
    init?(target: String) {
        let path = target.utf8.prefix { $0 != UInt8(ascii: "?") && $0 != UInt8(ascii: "#") }
        var segments: [String] = []
        for part in path.split(separator: UInt8(ascii: "/")) {
            guard let segment = percentDecoded(part) else { return nil }
            segments.append(segment)
        }
        self.segments = segments
    }
}

/// The query of a request.
struct RequestQuery: Sendable {
    private let parameters: [(name: String, value: String)]

    init(_ target: String) {
        guard let mark = target.utf8.firstIndex(of: UInt8(ascii: "?")) else {
            parameters = []
            return
        }
        let text = target.utf8[target.utf8.index(after: mark)...].prefix { $0 != UInt8(ascii: "#") }
        parameters = text.split(separator: UInt8(ascii: "&")).compactMap { part in
            let name = part.prefix { $0 != UInt8(ascii: "=") }
            let value = part.dropFirst(name.count + 1)
            guard let name = percentDecoded(name, plusIsSpace: true) else { return nil }
            return percentDecoded(value, plusIsSpace: true).map { (name, $0) }
        }
    }

    /// Every parameter with its first value.
    var all: [String: String] { Dictionary(parameters.map { ($0.name, $0.value) }) { first, _ in first } }

    /// The parameters whose name begins with a text, without it.
    func beginning(with prefix: String) -> [(name: String, value: String)] {
        parameters.filter { $0.name.utf8.starts(with: prefix.utf8) }.map { name, value in
            (String(decoding: name.utf8.dropFirst(prefix.utf8.count), as: UTF8.self), value)
        }
    }

    /// The first value of a parameter.
    subscript(name: String) -> String? {
        parameters.first { $0.name == name }?.value
    }
}

/// Percent-decoded text, `nil` if that is not UTF-8. A percent sign without two digits stands for itself, as clients
/// that encode nothing send it.
private func percentDecoded(_ bytes: Substring.UTF8View, plusIsSpace: Bool = false) -> String? {
    guard bytes.contains(where: { $0 == UInt8(ascii: "%") || $0 == UInt8(ascii: "+") }) else {
        return String(Substring(bytes))
    }
    var result: [UInt8] = []
    result.reserveCapacity(bytes.count)
    var rest = bytes[...]
    while let byte = rest.popFirst() {
        switch byte {
        case UInt8(ascii: "%"):
            let digits = rest.prefix(2).compactMap(hexDigit)
            if digits.count == 2 {
                result.append(digits[0] << 4 | digits[1])
                rest = rest.dropFirst(2)
            } else {
                result.append(byte)
            }
        case UInt8(ascii: "+") where plusIsSpace: result.append(UInt8(ascii: " "))
        default: result.append(byte)
        }
    }
    return String(validating: result, as: UTF8.self)
}

private func hexDigit(_ byte: UInt8) -> UInt8? {
    switch byte {
    case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
    case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
    case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
    default: nil
    }
}
