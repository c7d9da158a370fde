import Testing
import TrackAPI

@Suite struct `An endpoint` {
    @Test(arguments: [
        (Region.US, "https://track.customer.io/api/v2/batch"),
        (Region.EU, "https://track-eu.customer.io/api/v2/batch"),
    ])
    func `a region has its own host`(region: Region, url: String) {
        #expect(Endpoint(region: region).url(for: "/api/v2/batch") == url)
        #expect(Endpoint(region: region).region == region)
    }

    @Test(arguments: [
        ("https://track.customer.io", "https://track.customer.io"),
        ("https://track.customer.io/", "https://track.customer.io"),
        ("https://track.customer.io///", "https://track.customer.io"),
        ("https://track.customer.io/api/v1", "https://track.customer.io"),
        ("https://track.customer.io/api/v1/", "https://track.customer.io"),
        ("https://track.customer.io/api/v2//", "https://track.customer.io"),
        ("https://track.customer.io//api/v2", "https://track.customer.io"),
        ("https://example.com/cio", "https://example.com/cio"),
        ("https://example.com/cio/api/v2/", "https://example.com/cio"),
        ("https://example.com/cio//api/v1", "https://example.com/cio"),
        ("https://example.com/a%20b/", "https://example.com/a%20b"),
        ("https://example.com/api/v3", "https://example.com/api/v3"),
        ("https://example.com/myapi/v1", "https://example.com/myapi/v1"),
        ("https://example.com/api/v1/x", "https://example.com/api/v1/x"),
        ("HTTPS://Track.Customer.IO:443", "https://track.customer.io"),
        ("http://LOCALHOST:80/", "http://localhost"),
        ("http://localhost:443", "http://localhost:443"),
        ("http://127.0.0.1:8081", "http://127.0.0.1:8081"),
        ("http://[::1]:8081/api/v2", "http://[::1]:8081"),
        ("http://[2001:DB8::7]", "http://[2001:db8::7]"),
        ("http://[1:2:3:4:5:6:7:8]", "http://[1:2:3:4:5:6:7:8]"),
        ("http://[::ffff:10.0.0.1]:1", "http://[::ffff:10.0.0.1]:1"),
        ("http://cio_stub:65535", "http://cio_stub:65535"),
        ("  https://example.com\n", "https://example.com"),
        ("https://example.com.", "https://example.com."),
        ("https://169.253.1.1", "https://169.253.1.1"),
    ])
    func `trailing slashes and a trailing API version are dropped, a sub-path stays`(text: String, base: String) throws
    {
        let endpoint = try Endpoint(text)
        #expect(endpoint.description == base)
        #expect(endpoint.url(for: "/api/v2/entity") == base + "/api/v2/entity")
    }

    @Test(arguments: [
        ("", EndpointError.Code.empty), ("  \n", .empty),
        ("track.customer.io", .scheme), ("ftp://example.com", .scheme), ("workspace", .scheme), ("//h", .scheme),
        ("https:/example.com", .scheme), ("httpss://example.com", .scheme), ("unix:///run/x", .scheme),
        ("https://user:secret@example.com", .credentials), ("https://user@example.com/x", .credentials),
        ("https://@example.com", .credentials), ("http://a:b@c:d@e", .credentials),
        ("https://example.com?x=secret", .query), ("https://example.com/a#secret", .query),
        ("https://example.com/?", .query), ("https://example.com#", .query),
        ("https://", .host), ("https:///api/v1", .host), ("http://:8080", .host), ("http://a..b", .host),
        ("http://.a", .host), ("http://.", .host), ("http://a_b!c", .host), ("http://ex%41mple.com", .host),
        ("http://[::1", .host), ("http://[]", .host), ("http://[::g]", .host), ("http://[1::2::3]", .host),
        ("http://[fe80::1%25eth0]", .host), ("http://[1:2:3]", .host), ("http://[+1::2]", .host),
        ("http://127.1", .host), ("http://2130706433", .host), ("http://0x7f.1", .host), ("http://0x7f000001", .host),
        ("http://0177.0.0.1", .host), ("http://1.2.3.256", .host), ("http://1.2.3.4.5", .host),
        ("http://127.0.0.1.", .host),
        ("http://h:", .port), ("http://h:0", .port), ("http://h:65536", .port), ("http://h:x", .port),
        ("http://h:-1", .port), ("http://h:99999999999999999999", .port), ("http://[::1]x", .port),
        ("http://h:80:80", .port),
        ("http://h/<script>", .path), ("http://h/a%zz", .path), ("http://h/a%2", .path), ("http://h\\x", .path),
        ("http://h/{x}", .path),
        ("http://ex ample.com", .invalidCharacter), ("http://exämple.com", .invalidCharacter),
        ("http://h/\u{7}", .invalidCharacter), ("http://h/\r\nx: y", .invalidCharacter),
        ("http://169.254.169.254", .linkLocal), ("http://169.254.169.254:80/latest", .linkLocal),
        ("http://169.254.0.1", .linkLocal), ("http://[fe80::1]", .linkLocal), ("http://[FEBF::1]:80", .linkLocal),
        ("http://[::ffff:169.254.169.254]", .linkLocal), ("http://[::ffff:a9fe:a9fe]", .linkLocal),
        ("http://[0:0:0:0:0:ffff:a9fe:1]", .linkLocal), ("http://[::169.254.169.254]", .linkLocal),
        ("http://[64:ff9b::169.254.169.254]", .linkLocal), ("http://[64:ff9b::a9fe:a9fe]", .linkLocal),
        ("http://100.100.100.200", .linkLocal), ("http://[::ffff:100.100.100.200]", .linkLocal),
        ("http://[fd00:ec2::254]", .linkLocal), ("http://[fd00:0ec2:0:0:0:0:0:0254]", .linkLocal),
        ("http://[::ffff:010.0.0.1]", .host),
    ])
    func `anything else is refused with its reason`(text: String, code: EndpointError.Code) {
        let error = #expect(throws: EndpointError.self) { try Endpoint(text) }
        #expect(error?.code == code)
    }

    @Test(arguments: [
        "https://user:hunter22@example.com", "https://hunter22@example.com", "https://example.com?key=hunter22",
        "https://example.com/#hunter22", "hunter22@example.com", "https://example.com:hunter22", "https://[hunter22]",
        "https://example.com/<hunter22>", "https://hunter22!", "https://hunter22 ",
    ])
    func `no error holds any of the text, which may hold credentials`(text: String) {
        do {
            let endpoint = try Endpoint(text)
            #expect(endpoint.description == "https://hunter22", "only the plain name is an endpoint")
        } catch {
            #expect(!"\(error)\(String(reflecting: error))".contains("hunter22"))
        }
    }

    @Test(arguments: ["https://example.com", "https://track.customer.io.example.com", "http://[::1]:8081"])
    func `an address of one's own has no region`(text: String) throws {
        #expect(try Endpoint(text).region == nil)
    }

    @Test func `the region's host written out is the region's endpoint`() throws {
        #expect(try Endpoint("https://track-eu.customer.io/api/v2/") == Endpoint(region: .EU))
    }
}
