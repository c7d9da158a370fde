package import Integrations
import LosslessJSON
package import Storage
import TrackAPI

extension ErasureEvent {
    /// The action that the command of an erasure is counted under.
    package static let action = "erase"

    /// What an integration is told: one operation for the id, one for the address; `nil` when it is told nothing.
    package func plan(for integration: String) -> Plan? {
        guard let command = commands.first(where: { $0.integration.hasSameBytes(as: integration) })?.command else {
            return nil
        }
        // The same names as events have: an id may be an address, or a cio_id.
        let identifiers = [Identifier(personId: person.userId), Identifier(personId: nil, email: person.email)]
        let operations = identifiers.compactMap { identifier -> Operation? in
            guard let identifier else { return nil }
            let body: JSON.Object = [
                "type": "person", "action": .string(command.rawValue), "identifiers": identifier.json,
            ]
            return Operation(kind: .entity, body: body)
        }
        return Plan(operations, by: Self.action)
    }
}
