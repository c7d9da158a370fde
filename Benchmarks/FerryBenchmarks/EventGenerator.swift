import Events
import LosslessJSON
import Seeding

/// Makes ordinary source messages of about 1.2 KB, weighted like those of a shop in production: 61 % track, 16 % page,
/// 14 % identify, 6 % screen, 3 % group; two thirds from browsers, one third from phones; 24 % of visitors unknown.
///
/// The same seed gives the same messages, so that runs on two machines can be compared, and nobody has to carry a file.
struct EventGenerator {
    private var random: SeededGenerator
    private var sentAt = 1_714_521_600_000 as Int64

    init(seed: UInt64 = 20_240_501) {
        random = SeededGenerator(seed: seed)
    }

    /// The compact JSON text of so many messages.
    mutating func messages(_ count: Int) -> [[UInt8]] {
        (0..<count).map { _ in message().encoded() }
    }

    private enum Kind: String {
        case identify, track, page, screen, group
    }

    private mutating func message() -> JSON.Object {
        let kind = kind()
        // Events that order something, or that a device sends by itself, always name a person.
        let isSpecial = kind == .track && random.below(1000) < 42
        let isAnonymous = (kind == .track && !isSpecial || kind == .page || kind == .screen) && random.below(100) < 24
        var message: JSON.Object = [
            "anonymousId": .string(uuid()),
            "context": .object(context(isSpecial: isSpecial)),
            "integrations": [:],
            "messageId": .string("ajs-next-" + hexadecimal(32)),
            "originalTimestamp": time(-350),
            "receivedAt": time(120),
            "sentAt": time(0),
            "timestamp": time(-340),
            "type": .string(kind.rawValue),
            "userId": isAnonymous ? .null : .string("usr_\(random.below(50_000))"),
            "version": 2,
            "writeKey": .string(hexadecimal(32)),
        ]
        for member in body(of: kind, isSpecial: isSpecial) { message.append(member.key, member.value) }
        sentAt += 137
        return message
    }

    private mutating func kind() -> Kind {
        switch random.below(1000) {
        case ..<145: .identify
        case ..<750: .track
        case ..<911: .page
        case ..<971: .screen
        default: .group
        }
    }

    // MARK: Bodies

    private mutating func body(of kind: Kind, isSpecial: Bool) -> JSON.Object {
        switch kind {
        case .identify: return ["traits": traits()]
        case .track: return isSpecial ? specialEvent() : shopEvent()
        case .page: return ["name": "Shop", "properties": .object(page().overlaid(with: ["name": "Shop"]))]
        case .screen: return ["name": random.pick("Home", "Product Detail", "Cart"), "properties": screenProperties()]
        case .group: return ["groupId": .string("acct_\(random.below(5_000))"), "traits": groupTraits()]
        }
    }

    private mutating func traits() -> JSON {
        [
            "email": .string("user\(random.below(50_000))@example.com"),
            "first_name": random.pick(
                "Noël",
                "Karin",
                "Zoë",
                "Ben",
                "Мария",
                "Łukasz",
                "Hanako",
                "李雷",
                "😀 Smiley",
                "Anna"
            ),
            "last_name": random.pick("Петрова", "山田", "Müller", "Smith", "Doe", "García-López", "O'Brien", "Ångström"),
            "plan": random.pick("free", "pro", "team"),
            "createdAt": time(-days(below: 700)),
            "last_login": time(-3_600_000),
            "seats": number(random.below(50) + 1),
            "newsletter": .bool(random.below(2) == 0),
            "address": [
                "city": random.pick("Berlin", "Paris", "Boston"),
                "country": random.pick("DE", "FR", "US"),
                "postal_code": .string(String(10_000 + random.below(90_000))),
            ],
        ]
    }

    private mutating func shopEvent() -> JSON.Object {
        let name = random.pick(
            "Product Added",
            "Product Viewed",
            "Order Completed",
            "Signed In",
            "Search Performed",
            "Clicked CTA"
        )
        var properties: JSON.Object = [
            "product_id": .string(hexadecimal(24)),
            "sku": .string("SKU-\(1_000 + random.below(9_000))"),
            "name": random.pick("Coffee Beans 1kg", "Desk Lamp", "Wool Socks"),
            "price": price(),
            "quantity": number(random.below(5) + 1),
            "currency": "EUR",
            "category": random.pick("Food", "Home", "Apparel"),
            "in_stock": .bool(random.below(5) > 0),
            "first_seen_at": time(-days(below: 365)),
            "coupon": random.below(5) == 0 ? "SPRING" : .null,
            "tags": ["a", "b", random.pick("new", "sale")],
        ]
        if name == "Order Completed" {
            var products: [JSON] = []
            for _ in 0...random.below(3) {
                products.append([
                    "product_id": .string(hexadecimal(24)), "price": price(), "quantity": number(random.below(3) + 1),
                ])
            }
            properties.append("products", .array(products))
        }
        return ["event": name, "properties": .object(properties)]
    }

    private mutating func specialEvent() -> JSON.Object {
        let name: JSON
        switch random.below(51) {
        case ..<15:
            return [
                "event": "Report Delivery Event",
                "properties": [
                    "deliveryId": .string("dl_" + hexadecimal(20)), "metric": "opened",
                    "recipient": .string("user\(random.below(1_000))@example.com"),
                ],
            ]
        case ..<28: name = "Application Opened"
        case ..<37: name = "Application Installed"
        case ..<46: name = "User Deleted"
        default: name = "Device Created or Updated"
        }
        return [
            "event": name, "properties": ["from_background": .bool(random.below(2) == 0), "version": "4.12.0"],
        ]
    }

    private mutating func screenProperties() -> JSON {
        [
            "items": number(random.below(10)), "total": price(), "opened_at": time(-1_000),
            "variant": random.pick("A", "B"),
        ]
    }

    private mutating func groupTraits() -> JSON {
        [
            "object_type_id": "1",
            "objectAttributes": [
                "name": .string("Acme \(random.below(1_000))"), "industry": "Retail",
                "employees": number(random.below(5_000)), "website": "https://acme.example.com",
                "customer_since": time(-400 * 86_400_000),
            ],
            "relationshipAttributes": ["role": random.pick("admin", "member"), "since": time(-30 * 86_400_000)],
        ]
    }

    // MARK: Contexts

    private mutating func context(isSpecial: Bool) -> JSON.Object {
        guard random.below(1000) < 313 else {
            var context = browserContext()
            if isSpecial { context.append("device", ["token": .string(hexadecimal(64)), "type": "android"]) }
            return context
        }
        return phoneContext()
    }

    private mutating func browserContext() -> JSON.Object {
        [
            "ip": address(),
            "library": ["name": "analytics.js", "version": "2.11.1"],
            "locale": random.pick("de-DE", "en-US", "fr-FR"),
            "timezone": random.pick("Europe/Berlin", "America/New_York"),
            "userAgent": """
            Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) \
            Chrome/124.0.0.0 Safari/537.36
            """,
            "page": .object(page()),
            "campaign": [
                "source": "newsletter", "medium": "email", "name": .string("spring-\(random.below(9) + 1)"),
            ],
        ]
    }

    private mutating func phoneContext() -> JSON.Object {
        [
            "ip": address(),
            "library": ["name": "analytics-swift", "version": "2.11.1"],
            "locale": random.pick("de-DE", "en-US", "fr-FR"),
            "timezone": random.pick("Europe/Berlin", "America/New_York"),
            "userAgent": """
            Mozilla/5.0 (iPhone; CPU iPhone OS 17_4 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) \
            Version/17.4 Mobile/15E148 Safari/604.1
            """,
            "device": [
                "id": .string(uuid()), "manufacturer": "Apple", "model": "iPhone15,2", "name": "iPhone",
                "type": "ios", "token": .string(hexadecimal(64)),
            ],
            "os": ["name": "iOS", "version": "17.4.1"],
            "app": ["name": "Shop", "version": "4.12.0", "build": "812", "namespace": "com.example.shop"],
            "network": ["wifi": true, "cellular": false, "carrier": "Telekom"],
            "screen": ["width": 390, "height": 844, "density": 3],
        ]
    }

    private mutating func page() -> JSON.Object {
        let path =
            switch random.below(5) {
            case 0: "/"
            case 1: "/pricing"
            case 2: "/checkout"
            case 3: "/products/\(random.below(500))"
            default: "/blog/how-to-" + hexadecimal(4)
            }
        return [
            "path": .string(path),
            "referrer": random.pick("", "https://www.google.com/", "https://news.example.org/"),
            "search": random.below(10) < 3 ? "?utm_source=newsletter&utm_medium=email" : "",
            "title": .string("Shop – " + path),
            "url": .string("https://shop.example.com" + path),
        ]
    }

    // MARK: Values

    private func time(_ milliseconds: Int64) -> JSON {
        Timestamp(milliseconds: sentAt + milliseconds).iso8601.map(JSON.string) ?? .null
    }

    private mutating func days(below limit: Int) -> Int64 {
        Int64(random.below(limit)) * 86_400_000
    }

    private func number(_ value: Int) -> JSON {
        .number(JSON.Number(value))
    }

    /// Two digits behind the point, the last of which is not zero, as JavaScript writes them.
    private mutating func price() -> JSON {
        .number(JSON.Number(validText: "\(5 + random.below(95)).\(random.below(10))\(1 + random.below(9))"))
    }

    private mutating func address() -> JSON {
        .string("198.51.100.\(random.below(256))")
    }

    private mutating func uuid() -> String {
        [8, 4, 4, 4, 12].map { hexadecimal($0) }.joined(separator: "-")
    }

    private mutating func hexadecimal(_ count: Int) -> String {
        String((0..<count).map { _ in Character(String(random.below(16), radix: 16)) })
    }
}

extension SeededGenerator {
    fileprivate mutating func below(_ limit: Int) -> Int {
        Int.random(in: 0..<limit, using: &self)
    }

    fileprivate mutating func pick(_ choices: JSON...) -> JSON {
        pick(choices)
    }
}
