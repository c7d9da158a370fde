import LosslessJSON

/// The error that parsing these bytes ends in; `nil` if they are JSON.
func refusal(of bytes: [UInt8], limits: JSON.Limits = JSON.Limits()) -> JSONError? {
    do throws(JSONError) {
        _ = try JSON(parsing: bytes, limits: limits)
        return nil
    } catch {
        return error
    }
}

func refusal(of text: String, limits: JSON.Limits = JSON.Limits()) -> JSONError? {
    refusal(of: Array(text.utf8), limits: limits)
}

extension [UInt8] {
    /// A JSON string whose content is these bytes.
    static func quoted(_ content: [UInt8]) -> [UInt8] {
        [UInt8(ascii: "\"")] + content + [UInt8(ascii: "\"")]
    }
}

extension String {
    /// This text so many times.
    func times(_ count: Int) -> String {
        String(repeating: self, count: count)
    }
}
