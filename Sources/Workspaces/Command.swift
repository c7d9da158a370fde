import LosslessJSON
import Storage

/// What one accepted item asks for: its fields checked and in their types, nothing looked up yet.
enum Command: Sendable {
    case identifyPerson(PersonUpdate)
    /// An identify of nobody but an anonymous id: accepted, and makes nobody (track-api.md §13).
    case identifyAnonymous
    case deletePerson(PersonIdentifier)
    case event(PersonEvent)
    case addRelationships(of: PersonIdentifier, [ObjectLink], at: Int64)
    case deleteRelationships(of: PersonIdentifier, [ObjectLink])
    case addDevice(of: PersonIdentifier, DeviceUpdate)
    case deleteDevice(of: PersonIdentifier, token: String)
    case merge(primary: PersonIdentifier, secondary: PersonIdentifier)
    case suppress(PersonIdentifier)
    case unsuppress(PersonIdentifier)
    case identifyObject(ObjectUpdate)
    case deleteObject(ObjectReference)
    case deleteObjectRelationships(of: ObjectReference, [PersonLink])
    /// A delivery metric; the channel where the call tells it (track-api.md §18).
    case metric(DeliveryMetric, DeliveryChannel?)
    /// A form that is seen, whatever becomes of its answer (§9.10).
    case registerForm(String)
    /// An accepted answer of a form.
    case submitForm(String, PersonUpdate)
    /// Puts people into a manual segment, or takes them out (§9.14, §9.15).
    case changeSegment(Int64, isAddition: Bool, [PersonIdentifier])
    /// Unsubscribes the recipient of a delivery, or subscribes them again (§9.16).
    case unsubscribe(deliveryId: String, isUnsubscribed: Bool)
}

/// How a delivery went out, in the words of the activity log (track-api.md §20): `opened_email`, `delivered_push`.
enum DeliveryChannel: String, Sendable {
    case email, push
    case inApp = "in_app"
    /// Nobody has told.
    case unknown
}

/// Whom an event or a relationship speaks of.
enum Subject: Sendable {
    case person(PersonIdentifier)
    case anonymous(String)
}

/// An object by its type and id, which can make it, or by its `cio_object_id`, which cannot (track-api.md §17).
enum ObjectReference: Sendable {
    case typed(type: Int64, id: String)
    case cioId(String)
}

/// The far side of a person's relationship.
struct ObjectLink: Sendable {
    var object: ObjectReference
    var attributes: JSON.Object
}

/// The far side of an object's relationship.
struct PersonLink: Sendable {
    var subject: Subject
    var attributes: JSON.Object
}

/// An identifier among the attributes of an identify.
enum IdentifierChange: Sendable {
    case absent
    /// `null` or the empty text.
    case cleared
    case value(String)
}

struct PersonUpdate: Sendable {
    var person: PersonIdentifier
    var id: IdentifierChange
    var email: IdentifierChange
    var cioId: String?
    /// Where phone numbers identify people; also one of `attributes`.
    var phone: String?
    /// Without identifiers and control words.
    var attributes: JSON.Object
    /// Joins what is known of it (track-api.md §13); also one of `attributes`.
    var anonymousId: String?
    /// `_update`: make nobody.
    var isUpdateOnly: Bool
    var links: [ObjectLink]
    /// Relationships that end, which only version 1 can ask for here (track-api.md §9.2).
    var endedLinks: [ObjectLink] = []
    /// The time that orders the attribute values, in Unix seconds.
    var time: Int64
}

struct PersonEvent: Sendable {
    /// `nil` for an invite, which is never anybody's (track-api.md §13).
    var subject: Subject?
    /// The type of the activity: event, page, screen, viewed_content, clicked_content.
    var type: String
    var name: String
    /// A ULID in capitals, by which a repetition is known.
    var id: String?
    var attributes: JSON.Object
    var time: Int64
}

struct DeviceUpdate: Sendable {
    var token: String
    var platform: String
    var lastUsed: Int64
    var attributes: JSON.Object
}

struct ObjectUpdate: Sendable {
    var object: ObjectReference
    var attributes: JSON.Object
    var links: [PersonLink]
    var time: Int64
}
