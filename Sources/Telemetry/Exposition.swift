/// A page of metrics in Prometheus' text format, version 0.0.4.
///
/// Samples of one name stand together, under one line of help and one of type, in the order in which their name first
/// came.
package struct Exposition: Sendable {
    package enum Kind: String, Sendable {
        case counter, gauge, histogram
    }

    private struct Family {
        let help: String
        let kind: Kind
        var samples: [String] = []
    }

    package static let contentType = "text/plain; version=0.0.4; charset=utf-8"

    private var names: [String] = []
    private var families: [String: Family] = [:]

    /// An empty page.
    package init() {}

    /// Adds one sample.
    ///
    /// - Parameters:
    ///   - name: of the family.
    ///   - kind: of the family.
    ///   - help: said once, by the first sample of the name.
    ///   - suffix: what the sample's name has behind the family's, for the parts of a histogram.
    ///   - labels: in the order in which they are printed.
    ///   - value: of the sample.
    package mutating func add(
        _ name: String,
        _ kind: Kind,
        _ help: String,
        suffix: String = "",
        labels: [(String, String)] = [],
        _ value: Double
    ) {
        if families[name] == nil {
            names.append(name)
            families[name] = Family(help: help, kind: kind)
        }
        let pairs = labels.map { "\($0.0)=\"\(Self.escaped($0.1, quotes: true))\"" }
        let labelled = pairs.isEmpty ? "" : "{\(pairs.joined(separator: ","))}"
        families[name]?.samples.append("\(name)\(suffix)\(labelled) \(Self.text(value))")
    }

    package var text: String {
        var text = ""
        for name in names {
            guard let family = families[name] else { continue }
            text +=
                "# HELP \(name) \(Self.escaped(family.help, quotes: false))\n# TYPE \(name) \(family.kind.rawValue)\n"
            for sample in family.samples { text += sample + "\n" }
        }
        return text
    }

    private static func escaped(_ text: String, quotes: Bool) -> String {
        var escaped = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\\": escaped += #"\\"#
            case "\n": escaped += #"\n"#
            case "\"" where quotes: escaped += #"\""#
            default: escaped.unicodeScalars.append(scalar)
            }
        }
        return escaped
    }

    private static func text(_ value: Double) -> String {
        if value.isNaN { return "NaN" }
        if value.isInfinite { return value < 0 ? "-Inf" : "+Inf" }
        if let whole = Int64(exactly: value) { return String(whole) }
        return String(value)
    }
}
