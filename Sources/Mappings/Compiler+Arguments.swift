import Diagnostics
import LosslessJSON

/// The arguments of one directive, by name.
struct Arguments {
    let members: JSON.Object
    /// Of the directive, its name included.
    let place: Place
    let dialect: Mapping.Dialect
}

extension Compiler {
    /// The named arguments of a directive; `nil`, with the problem recorded, if there are none.
    mutating func arguments(
        _ argument: JSON,
        named names: [String],
        at place: Place,
        _ dialect: Mapping.Dialect
    ) -> Arguments? {
        guard case .object(let members) = argument else {
            refuse(place, "takes an object of arguments, not \(argument.kindName)")
            return nil
        }
        for key in members.map(\.key) where !key.isMetadata && !names.contains(where: key.hasSameBytes) {
            let known = names.joined(separator: ", ")
            let suggestion = key.nearest(among: names)
            refuse(place.appending(key), "is not an argument here; they are \(known)", suggestion: suggestion)
        }
        return Arguments(members: members, place: place, dialect: dialect)
    }

    /// An argument that is any value; `nil` if it is not given.
    mutating func value(_ name: String, in arguments: Arguments) -> Expression? {
        guard let definition = arguments.members[name] else { return nil }
        return expression(definition, at: arguments.place.appending(name), arguments.dialect)
    }

    /// An argument that is any value and must be given.
    mutating func requiredValue(_ name: String, in arguments: Arguments) -> Expression {
        if let value = value(name, in: arguments) { return value }
        refuse(arguments.place, "needs \(name.quoted)")
        return .placeholder
    }

    /// An argument that must give an object.
    mutating func requiredObject(_ name: String, in arguments: Arguments) -> Expression {
        let expression = requiredValue(name, in: arguments)
        if let constant = expression.constant, constant.objectValue == nil, arguments.members.contains(name) {
            refuse(arguments.place.appending(name), "must be an object, not \(constant.kindName)")
        }
        return expression
    }

    /// An argument of a certain form; `nil` if it is not given, or if it is wrong, which is then recorded.
    mutating func form<Value: ArgumentValue>(_ name: String, in arguments: Arguments) -> Argument<Value>? {
        guard let definition = arguments.members[name] else { return nil }
        return form(definition, at: arguments.place.appending(name), arguments.dialect)
    }

    /// An argument of a certain form that must be given; `nil`, with the problem recorded, if it is not or is wrong.
    mutating func requiredForm<Value: ArgumentValue>(_ name: String, in arguments: Arguments) -> Argument<Value>? {
        if !arguments.members.contains(name) { refuse(arguments.place, "needs \(name.quoted)") }
        return form(name, in: arguments)
    }

    /// A value of a certain form, written out or given by a directive.
    mutating func form<Value: ArgumentValue>(
        _ definition: JSON,
        at place: Place,
        _ dialect: Mapping.Dialect
    ) -> Argument<Value>? {
        var written = definition
        if let object = definition.objectValue, object.isDirective {
            let problemsBefore = problems.count
            let computed = expression(definition, at: place, dialect)
            guard problems.count == problemsBefore else { return nil }
            guard let constant = computed.constant else { return .computed(computed, place) }
            written = constant
        }
        if let value = Value(argument: written) { return .literal(value) }
        let suggestion = written.stringValue?.nearest(among: Value.choices)
        refuse(place, Value.refusal(of: written), suggestion: suggestion)
        return nil
    }
}
