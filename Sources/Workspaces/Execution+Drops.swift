import LosslessJSON
import Storage

/// What is accepted and has no effect. The service answers 200 and says nothing; here the activity log tells why.
extension Execution {
    /// The type of such an entry: no type of the service's own.
    static let droppedType = "ferry_dropped"

    enum DropReason: String {
        case suppressed = "the identifier is suppressed"
        case unknownCioId = "nobody has this cio_id, and a cio_id makes nobody"
        case unknownPerson = "there is no such person"
        case unknownObject = "there is no such object"
        case updateOnly = "_update makes nobody, and there is no such person"
        case repeatedEvent = "an event of this id was received before"
        case eventsMakeNobody = "there is no such person, and by the settings an event makes none"
        case anonymousAlone = "an anonymous id alone makes nobody"
        case anonymousMergeOff = "by the settings anonymous events are not joined"
        case samePerson = "both are the same person"
        case suppressedAlready = "the identifier is suppressed already"
        case unknownDelivery = "nobody has told whose delivery this is"
        case notTheirDevice = "the person has no device of this token"
    }

    /// Tells of a drop, without naming a suppressed identifier again.
    func drop(
        _ action: String,
        of identifier: PersonIdentifier? = nil,
        because reason: DropReason,
        more: JSON.Object = JSON.Object()
    ) throws {
        let isNamed = reason != .suppressed && reason != .suppressedAlready
        let identifiers: JSON.Object =
            switch identifier {
            case .id(let id)? where isNamed: ["id": .string(id)]
            case .email(let email)? where isNamed: ["email": .string(email)]
            case .cioId(let cioId)? where isNamed: ["cio_id": .string(cioId)]
            case .phone(let phone)? where isNamed: ["phone": .string(phone)]
            default: [:]
            }
        try log(
            Self.droppedType,
            .nobody(identifiers: identifiers),
            data: (["action": .string(action), "reason": .string(reason.rawValue)] as JSON.Object).overlaid(with: more)
        )
    }
}
