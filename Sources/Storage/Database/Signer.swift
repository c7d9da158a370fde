import Crypto

/// Signs texts, so that they can be with somebody else and are known when they come back: by every process that has the same
/// `seal.key` and the same secret, and by nobody else.
package struct Signer: Sendable {
    private let key: SymmetricKey

    fileprivate init(_ key: SymmetricKey) {
        self.key = key
    }

    /// In 64 digits.
    package func signature(of text: String) -> String {
        let code = HMAC<SHA256>.authenticationCode(for: Array(text.utf8), using: key)
        return code.map { byte in (byte < 16 ? "0" : "") + String(byte, radix: 16) }.joined()
    }

    /// Whether this is the signature of a text; how long it takes does not tell how much of it is right.
    package func isSignature(_ signature: some StringProtocol, of text: String) -> Bool {
        let digits = Array(signature.utf8)
        guard digits.count == SHA256.byteCount * 2 else { return false }
        var code: [UInt8] = []
        for position in stride(from: 0, to: digits.count, by: 2) {
            guard let high = Self.value(of: digits[position]), let low = Self.value(of: digits[position + 1]) else {
                return false
            }
            code.append(high << 4 | low)
        }
        return HMAC<SHA256>.isValidAuthenticationCode(code, authenticating: Array(text.utf8), using: key)
    }

    private static func value(of digit: UInt8) -> UInt8? {
        switch digit {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): digit - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): digit - UInt8(ascii: "a") + 10
        default: nil
        }
    }
}

extension SecretSeal {
    /// A signer whose key is derived from this one, a purpose and a secret: another one of any of these, and what was signed
    /// is not known any more.
    func signer(for purpose: String, with secret: String) -> Signer {
        Signer(
            HKDF<SHA256>.deriveKey(
                inputKeyMaterial: key,
                salt: Array(secret.utf8),
                info: Array("ferry \(purpose)".utf8),
                outputByteCount: SHA256.byteCount
            )
        )
    }
}
