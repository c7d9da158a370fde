/// Names a person, a device or an object by a number that does not tell who it is: 64 bits of a hash under the secret of
/// the database (delivery.md F5).
///
/// Delivery orders by such numbers and keeps them with what waits; two things that share one by chance are ordered among
/// each other, which harms nobody.
package struct OrderKeys: Sendable, CustomStringConvertible, CustomReflectable {
    private let secret: [UInt8]

    /// Without the secret, wherever it is printed.
    package var description: String { "order keys" }
    package var customMirror: Mirror { Mirror(self, children: []) }

    /// - Parameter secret: 16 bytes.
    package init(secret: [UInt8]) {
        self.secret = secret
    }

    /// The number of one thing: of which kind it is (`email`, `device` …) and its text. The same in every run of an
    /// installation, another one in each installation.
    package func key(_ kind: String, _ text: String) -> UInt64 {
        var input: [UInt8] = []
        input.reserveCapacity(96)
        // Never what a message is hashed by: its fields are four or one.
        input.append(field: "order")
        input.append(field: kind)
        input.append(field: text)
        return SipHash128.hash(input, secret: secret).head
    }
}
