import Testing
import TrackAPI

@Suite struct `A pair of credentials` {
    @Test func `the header is Basic with both in base64`() {
        #expect(Credentials.sample.authorization == "Basic \(Credentials.token)")
    }

    @Test func `nothing that prints them shows them`() {
        let credentials = Credentials.sample
        var dumped = ""
        dump(credentials, to: &dumped)
        dump([credentials], to: &dumped)
        let optional: Credentials? = credentials
        let texts = [
            "\(credentials)", String(describing: credentials), String(reflecting: credentials),
            "\(String(describing: optional))", "\([credentials])", "\(["a": credentials])", dumped,
            "\(Mirror(reflecting: credentials).children.map { "\($0)" })",
        ]
        for text in texts {
            #expect(!text.contains(Credentials.siteId) && !text.contains(Credentials.apiKey))
        }
        #expect("\(credentials)" == "••••")
        #expect(dumped.contains("••••"))
    }
}
