import LosslessJSON

/// `@merge`: several objects in one, shallowly.
struct Merge: Directive {
    enum Direction: String, CaseIterable, ArgumentValue {
        /// Earlier objects win.
        case left
        /// Later objects win.
        case right
    }

    enum Objects: Sendable {
        case listed([Expression])
        /// One expression that gives the list.
        case computed(Expression)
    }

    let direction: Argument<Direction>
    let objects: Objects
    /// Of the argument `objects`.
    let place: Place

    func summary(in scope: JSON) -> String {
        switch try? direction.value(in: scope) {
        case .left?: "@merge, the earlier object wins"
        case .right?: "@merge, the later object wins"
        case nil: "@merge"
        }
    }

    func inputs(in scope: JSON) -> [Input] {
        let parts =
            switch objects {
            case .computed(let list): [Input(place: place, expression: list, scope: scope)]
            case .listed(let expressions):
                expressions.enumerated().map { position, expression in
                    Input(place: place.appending(position), expression: expression, scope: scope)
                }
            }
        return direction.inputs(in: scope) + parts
    }

    func value(in scope: JSON) throws(MappingError) -> JSON? {
        try outcome(in: scope).value
    }

    func outcome(in scope: JSON) throws(MappingError) -> Outcome {
        let direction = try direction.value(in: scope)
        var merged = UniqueMembers()
        for (position, outcome) in try outcomes(in: scope).enumerated() {
            guard let value = outcome.value, !value.isNull else { continue }
            guard case .object(let object) = value else {
                throw MappingError(at: place.appending(position), Self.refusal(of: value))
            }
            for member in object { merged.lay(member.key, member.value, direction) }
            for key in outcome.undefinedKeys { merged.lay(key, nil, direction) }
        }
        return merged.outcome
    }

    fileprivate static func refusal(of value: JSON) -> String {
        "must be an object, not \(value.kindName)"
    }

    private func outcomes(in scope: JSON) throws(MappingError) -> [Outcome] {
        var outcomes: [Outcome] = []
        switch objects {
        case .listed(let expressions):
            for expression in expressions { outcomes.append(try expression.outcome(in: scope)) }
        case .computed(let list):
            let value = try list.value(in: scope)
            guard case .array(let items)? = value else {
                throw MappingError(at: place, "must be a list, not \(value?.kindName ?? "undefined")")
            }
            for item in items { outcomes.append(Outcome(value: item)) }
        }
        return outcomes
    }
}

extension UniqueMembers {
    fileprivate mutating func lay(_ key: String, _ value: JSON?, _ direction: Merge.Direction) {
        switch direction {
        case .left: setIfNew(key, value)
        case .right: set(key, value)
        }
    }
}

extension Compiler {
    mutating func merge(_ argument: JSON, at place: Place, _ dialect: Mapping.Dialect) -> Expression {
        guard let arguments = arguments(argument, named: ["objects", "direction"], at: place, dialect) else {
            return .placeholder
        }
        let direction: Argument<Merge.Direction>? = requiredForm("direction", in: arguments)
        let objects = mergedObjects(in: arguments)
        guard let direction, let objects else { return .placeholder }
        return .directive(Merge(direction: direction, objects: objects, place: place.appending("objects")))
    }

    private mutating func mergedObjects(in arguments: Arguments) -> Merge.Objects? {
        let place = arguments.place.appending("objects")
        switch arguments.members["objects"] {
        case nil:
            refuse(arguments.place, "needs \"objects\"")
            return nil
        case .array(let items)?:
            var expressions: [Expression] = []
            for (position, item) in items.enumerated() {
                let part = expression(item, at: place.appending(position), arguments.dialect)
                if let constant = part.constant, !constant.isNull, constant.objectValue == nil {
                    refuse(place.appending(position), Merge.refusal(of: constant))
                }
                expressions.append(part)
            }
            return .listed(expressions)
        case let definition?:
            let problemsBefore = problems.count
            let list = expression(definition, at: place, arguments.dialect)
            if problems.count == problemsBefore, !list.canBeList {
                refuse(place, "must be a list of objects, not \(definition.kindName)")
            }
            return .computed(list)
        }
    }
}

extension Expression {
    fileprivate var canBeList: Bool {
        switch self {
        case .path, .directive, .list, .constant(.array): true
        case .object, .constant: false
        }
    }
}
