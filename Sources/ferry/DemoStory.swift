import Integrations
import LosslessJSON

/// What the demo sends: a day at an invented shop for houseplants, told in source calls of every kind that
/// actions.md §3 knows.
struct DemoStory {
    /// One call: the path it is posted to, what happens in plain words, and the message.
    struct Scene: Sendable {
        let path: String
        let caption: String
        let message: JSON.Object
    }

    static let scenes: [Scene] = [
        Scene(
            "page",
            "a visitor reads about ferns",
            [
                "anonymousId": "visitor-17",
                "properties": ["url": "https://fernery.example/guides/ferns", "title": "Ferns for dark rooms"],
            ]
        ),
        Scene(
            "track",
            "and looks at one",
            [
                "anonymousId": "visitor-17", "event": "Product Viewed",
                "properties": ["sku": "fern-3", "price": price("24.90"), "currency": "EUR"],
            ]
        ),
        Scene(
            "identify",
            "the visitor leaves an answer in a quiz, still nameless",
            [
                "anonymousId": "visitor-17", "traits": ["favourite_room": "bathroom"],
            ]
        ),
        Scene(
            "identify",
            "and signs up: Customer.io joins what came before",
            [
                "userId": "c-1001", "anonymousId": "visitor-17",
                "traits": [
                    "email": "mira@fernery.example", "first_name": "Mira", "plan": "seedling",
                    "createdAt": "2026-03-01T09:30:00Z", "loyalty_number": price("12345678901234567890"),
                ],
            ]
        ),
        Scene(
            "track",
            "buys the fern",
            [
                "userId": "c-1001", "event": "Order Completed",
                "properties": [
                    "order_id": "o-501", "total": price("24.90"), "delivery": ["at": "2026-03-04T10:00:00Z"],
                    "items": [["sku": "fern-3", "quantity": 1]],
                ],
            ]
        ),
        Scene(
            "track",
            "installs the app",
            [
                "userId": "c-1001", "event": "Application Installed", "properties": ["version": "2.1.0"],
                "context": ["device": ["token": "push-token-mira", "type": "iOS"], "app": ["version": "2.1.0"]],
            ]
        ),
        Scene(
            "screen",
            "opens the watering plan",
            [
                "userId": "c-1001", "name": "Watering Plan", "properties": ["plants": 1],
            ]
        ),
        Scene(
            "group",
            "joins the plant club, an object in Customer.io",
            [
                "userId": "c-1001", "groupId": "club-berlin",
                "traits": ["name": "Plant Club Berlin", "members": 41, "relationshipAttributes": ["role": "member"]],
            ]
        ),
        Scene(
            "identify",
            "a second customer, known by e-mail only, with a table at the same club",
            [
                "userId": "jo@fernery.example",
                "traits": ["first_name": "Jo", "objectId": "club-berlin", "relationshipAttributes": ["role": "host"]],
            ]
        ),
        Scene(
            "track",
            "Customer.io's newsletter was opened",
            [
                "event": "Report Delivery Event",
                "properties": [
                    "deliveryId": "RPILAgUBcRhIBqSfeiIwdIYJKxTY", "metric": "Opened", "recipient": "jo@fernery.example",
                ],
            ]
        ),
        Scene(
            "track",
            "an in-app message was seen by somebody nameless",
            [
                "anonymousId": "visitor-18", "event": "Report Content Event",
                "properties": ["actionType": "viewed_content", "contentId": 12],
            ]
        ),
        Scene(
            "identify",
            "a customer from the old shop",
            ["userId": "old-77", "traits": ["first_name": "Mira", "city": "Berlin"]]
        ),
        Scene("alias", "is the same as Mira: both become one", ["userId": "c-1001", "previousId": "old-77"]),
        Scene(
            "track",
            "Jo's old phone is gone",
            [
                "userId": "jo@fernery.example", "event": "Device Deleted", "properties": ["token": "push-token-jo"],
            ]
        ),
        Scene(
            "track",
            "Jo leaves the club",
            [
                "userId": "jo@fernery.example", "event": "Relationship Deleted",
                "properties": ["objectId": "club-berlin"],
            ]
        ),
        Scene(
            "group",
            "a pop-up shop opens",
            ["userId": "c-1001", "groupId": "popup-9", "traits": ["object_type_id": "2", "name": "Pop-up"]]
        ),
        Scene(
            "track",
            "and closes",
            [
                "event": "Object Deleted", "properties": ["objectId": "popup-9", "objectTypeId": "2"],
            ]
        ),
        Scene("track", "a spammer is shut out", ["userId": "spam-1", "event": "User Suppressed"]),
        Scene("track", "whose events Customer.io ignores now", ["userId": "spam-1", "event": "Order Completed"]),
        Scene("track", "by mistake: unblocked again", ["userId": "spam-1", "event": "User Unsuppressed"]),
        Scene("identify", "someone signs up", ["userId": "c-1002", "traits": ["email": "kit@fernery.example"]]),
        Scene("track", "and wants to be forgotten", ["userId": "c-1002", "event": "User Deleted"]),
        Scene("track", "a sender forgot who it was about: refused, and kept", ["event": "Order Completed"]),
    ]

    private static func price(_ text: String) -> JSON {
        .number(JSON.Number(validText: text))
    }
}

extension DemoStory.Scene {
    fileprivate init(_ path: String, _ caption: String, _ message: JSON.Object) {
        self.init(path: path, caption: caption, message: message)
    }
}
