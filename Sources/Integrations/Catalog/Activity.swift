import LosslessJSON
import TrackAPI

extension FieldValues {
    /// What track-event, track-page-view and track-screen-view send alike: an event of a person or a visitor.
    mutating func activity(_ action: String) throws(IgnoreReason) -> Operation {
        let person = try person(orAnonymous: true)
        var body = EntityBody("person", action, identifiers: person.json)
        body.add("name", try required(.name))
        body.add("id", text(.eventId))
        body.add("timestamp", time(.timestamp))
        body.add("attributes", .object(attributes()))
        return body.operation
    }
}
