package import LosslessJSON

extension Trigger {
    /// Why a trigger is true or false of an event.
    package struct Explanation: Sendable, Equatable, CustomStringConvertible {
        /// What `matches` answers.
        package let outcome: Bool
        /// The part of the source that decided. By itself it is true or false of the event as the whole trigger is.
        package let clause: String
        /// What the event has where the clause looks: `event is "Signed Up"`. Values are cut to 80 characters.
        package let reason: String

        /// `event = "Order Completed" is false: event is "Signed Up"`
        package var description: String {
            "\(clause) is \(outcome): \(reason)"
        }
    }

    /// Says which clause decides whether an event makes this trigger true, and why.
    ///
    /// Of a false `and` it is the first false operand, of a true `or` the first true one. A true `and` and a false `or`
    /// are decided by all their operands together.
    package func explain(_ event: JSON.Object) -> Explanation {
        let explainer = Explainer(source: Array(source.utf8), subject: Subject(event))
        let verdict = explainer.verdict(on: syntax)
        return Explanation(
            outcome: verdict.outcome,
            clause: explainer.text(verdict.range),
            reason: verdict.reason
        )
    }
}

/// Evaluates a syntax tree and keeps the reason.
private struct Explainer {
    struct Verdict {
        var outcome: Bool
        var range: Range<Int>
        var reason: String
    }

    /// Characters of a value that are shown.
    private static let valueLimit = 80
    /// Characters of a reason that is part of another.
    private static let reasonLimit = 300
    /// Reasons that are named where all operands of an `and` or `or` decide together.
    private static let reasonsShown = 3

    let source: [UInt8]
    let subject: Trigger.Subject

    func text(_ range: Range<Int>) -> String {
        String(decoding: source[range], as: UTF8.self)
    }

    // MARK: Logic

    func verdict(on syntax: Syntax) -> Verdict {
        switch syntax.kind {
        case .not(let operand): negated(verdict(on: operand), of: operand, in: syntax)
        case .all(let operands): joined(operands, in: syntax, decisive: false)
        case .any(let operands): joined(operands, in: syntax, decisive: true)
        case .literal, .path, .list, .call, .comparison, .membership:
            Verdict(outcome: syntax.holds(for: subject), range: syntax.range, reason: reason(for: syntax))
        }
    }

    /// The clause of a negation is the whole of it: its operand by itself has the opposite outcome.
    private func negated(_ inner: Verdict, of operand: Syntax, in syntax: Syntax) -> Verdict {
        var reason = inner.reason
        if inner.range != operand.range {
            let clause = text(inner.range).shortened(to: Self.valueLimit).madeVisible()
            reason = "\(clause) is \(inner.outcome): \(reason)".shortened(to: Self.reasonLimit)
        }
        return Verdict(outcome: !inner.outcome, range: syntax.range, reason: reason)
    }

    /// The first operand with the decisive outcome decides; without one, all of them do.
    private func joined(_ operands: [Syntax], in syntax: Syntax, decisive: Bool) -> Verdict {
        var reasons: [String] = []
        for operand in operands {
            let verdict = verdict(on: operand)
            if verdict.outcome == decisive { return verdict }
            if reasons.count <= Self.reasonsShown, !reasons.contains(verdict.reason) { reasons.append(verdict.reason) }
        }
        let lead =
            switch (decisive, operands.count) {
            case (false, 2): "both hold"
            case (false, let count): "all \(count) hold"
            case (true, 2): "neither holds"
            case (true, let count): "none of the \(count) holds"
            }
        let shown = reasons.prefix(Self.reasonsShown).joined(separator: ", ")
        let reason = "\(lead): \(shown)" + (reasons.count > Self.reasonsShown ? ", …" : "")
        return Verdict(outcome: !decisive, range: syntax.range, reason: reason.shortened(to: Self.reasonLimit))
    }

    // MARK: Reasons

    private func reason(for clause: Syntax) -> String {
        let facts: [String]
        let remark: String?
        switch clause.kind {
        case .comparison(let comparison, let left, let right):
            facts = [fact(left), fact(right)].compactMap(\.self)
            remark =
                bareTextRemark(clause, comparison, right)
                ?? self.remark(left.value(for: subject), comparison, right.value(for: subject))
        case .membership(let item, let list):
            facts = [fact(item), fact(list)].compactMap(\.self)
            remark = list.value(for: subject).arrayValue == nil ? "not a list" : nil
        case .call(.contains, let arguments), .call(.match, let arguments):
            facts = arguments.compactMap(fact)
            let areTexts = arguments.allSatisfy { $0.value(for: subject).stringValue != nil }
            remark = areTexts ? nil : "only a string can contain or match"
        case .literal, .path, .list, .call, .not, .all, .any:
            let value = clause.value(for: subject)
            facts = [fact(clause)].compactMap(\.self)
            remark = value.boolValue == nil && !value.isNull ? "only true counts as true" : nil
        }
        let said = facts.isEmpty ? "it is the same for every event" : facts.joined(separator: ", ")
        return remark.map { "\(said) (\($0))" } ?? said
    }

    /// A word that was meant as a field is the likely fault of a comparison that fails on it.
    private func bareTextRemark(_ clause: Syntax, _ comparison: Comparison, _ right: Syntax) -> String? {
        guard case .literal(.string) = right.kind, clause.holds(for: subject) == (comparison == .notEqual) else {
            return nil
        }
        let word = text(right.range)
        return word.hasPrefix("\"") || word.hasPrefix("'") ? nil : "\(word.shortened()) without quotes is a string here"
    }

    /// Why two values that look comparable are not.
    private func remark(_ left: JSON, _ comparison: Comparison, _ right: JSON) -> String? {
        if comparison != .equal && comparison != .notEqual {
            let areNumbers = left.numberValue != nil && right.numberValue != nil
            return areNumbers ? nil : "only two numbers have an order"
        }
        switch (left, right) {
        case (.null, _), (_, .null): return nil
        case (.string(let left), .string(let right)):
            let differInCase = !left.hasSameBytes(as: right) && left.lowercased() == right.lowercased()
            return differInCase ? "upper and lower case differ" : nil
        default: return left.kindName == right.kindName ? nil : "\(left.kindName) never equals \(right.kindName)"
        }
    }

    /// What the event makes of an operand; `nil` for what is the same for every event.
    private func fact(_ operand: Syntax) -> String? {
        guard !operand.isConstant else { return nil }
        let name = text(operand.range).shortened(to: Self.valueLimit).madeVisible()
        guard case .path(let path) = operand.kind else {
            return "\(name) is \(shown(operand.value(for: subject)))"
        }
        if let value = subject.value(at: path) { return "\(name) is \(shown(value))" }
        guard path.steps.first?.key == "event", subject.hidesEvent else { return "\(name) is missing" }
        return "\(name) exists on track calls only"
    }

    private func shown(_ value: JSON) -> String {
        value.description.shortened(to: Self.valueLimit)
    }
}
