import HTTPTypes

/// `ferry.js`, the browser client: a script without dependencies, embedded in the program, for pages of any origin.
enum BrowserClient {
    private static let script = PackageResources.ferry_js
    /// Changes with the script, so that browsers ask again and mostly hear that theirs is still good.
    private static let tag = "\"\(String(fingerprint(of: script), radix: 16))\""

    static func answer(_ request: IncomingRequest) -> Answer {
        var headers: HTTPFields = [
            .contentType: "text/javascript; charset=utf-8", .cacheControl: "public, max-age=3600", .eTag: tag,
            .xContentTypeOptions: "nosniff",
        ]
        headers[.crossOriginResourcePolicy] = "cross-origin"
        let known = request.headers[.ifNoneMatch]?.split(separator: ",").map { $0.trimmingPrefix { $0 == " " } }
        if known?.contains(where: { $0 == tag || $0 == "W/\(tag)" }) ?? false {
            return Answer(.unchanged, headers: headers, body: [])
        }
        return Answer(.done, headers: headers, body: script)
    }

    /// FNV-1a.
    private static func fingerprint(of bytes: [UInt8]) -> UInt64 {
        bytes.reduce(0xCBF2_9CE4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 }
    }
}
