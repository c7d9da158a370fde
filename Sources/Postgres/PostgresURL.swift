import CPostgres

/// One of several hosts of a URL.
struct Place: Equatable {
    let host: String
    let port: String
}

/// Where a database is, as `postgresql://user:password@host:port/database?setting=value`, with everything that libpq takes in
/// such a URL. Printed, it has neither the password nor the settings.
package struct PostgresURL: Sendable, Equatable, CustomStringConvertible, CustomReflectable {
    /// As it was given, with the password.
    let text: String
    /// The host or hosts, or the folder of the server's socket; what is not in the URL comes from libpq's variables.
    package let host: String
    /// The port, or the ports of several hosts.
    package let port: String
    package let user: String
    package let database: String
    /// The hosts that are tried one after the other; empty where there is one, or where only libpq knows which they are.
    let places: [Place]
    /// What the URL itself says about the time that a host has, in seconds.
    let connectTimeout: Int?

    package let description: String

    package var customMirror: Mirror { Mirror(reflecting: description) }

    /// Checks a URL.
    ///
    /// The password may be left to `PGPASSWORD`, `PGPASSFILE` or `~/.pgpass`, as for every program that uses libpq.
    ///
    /// - Throws: where it is none (`badURL`), and where libpq, which reads it, is not on this machine. The words never hold a
    ///   piece of what might be a password.
    package init(_ text: String) throws(PostgresError) {
        try Self.checkForm(of: text)
        let functions = try Libpq.functions()
        let given = try Self.parse(text, functions)
        let defaults = Self.settings(functions.PQconndefaults(), functions)
        func setting(_ name: String) -> String? {
            [given[name], defaults[name]].lazy.compactMap { $0 }.first { !$0.isEmpty }
        }
        self.text = text
        host = setting("host") ?? setting("hostaddr") ?? "local socket"
        port = setting("port") ?? "5432"
        user = setting("user") ?? ""
        database = setting("dbname") ?? user
        places = setting("hostaddr") == nil ? Self.places(host, port) : []
        connectTimeout = setting("connect_timeout").flatMap { Int($0) }
        guard PostgresError.printable(host) == host else { throw Self.bad("its host has a control character") }
        guard port.utf8.allSatisfy({ "0123456789,".utf8.contains($0) }) else {
            throw Self.bad("its port is no number")
        }
        let (host, port, user, database) = (
            host, port, PostgresError.printable(user), PostgresError.printable(database)
        )
        description =
            host.hasPrefix("/")
            ? "postgresql://\(user)@/\(database)?host=\(host)&port=\(port)"
            : "postgresql://\(user)@\(Self.written(host, port))/\(database)"
    }

    package static func == (one: PostgresURL, other: PostgresURL) -> Bool { one.text == other.text }

    /// A password with a character that means something in a URL makes pieces of it the host, the port or the database, and
    /// those are shown. All such URLs have an `@` where none belongs.
    private static func checkForm(of text: String) throws(PostgresError) {
        guard let scheme = ["postgresql://", "postgres://"].first(where: { text.hasPrefix($0) }) else {
            throw bad("it has to begin with postgresql://")
        }
        guard text.utf8.allSatisfy({ $0 > 0x20 && $0 != 0x7f }) else {
            throw bad("a space or a control character is in it; a space is written %20")
        }
        let rest = text.dropFirst(scheme.count)
        let authority = rest.prefix { $0 != "/" && $0 != "?" }
        guard rest.count(where: { $0 == "@" }) <= 1, authority.contains("@") || !rest.contains("@") else {
            throw bad("an @ is where none belongs. In a password @ is written %40, / %2F, ? %3F, : %3A and % %25")
        }
    }

    private static func parse(_ text: String, _ functions: ferry_libpq) throws(PostgresError) -> [String: String] {
        var words: UnsafeMutablePointer<CChar>?
        let options = functions.PQconninfoParse(text, &words)
        defer { if let words { functions.PQfreemem(words) } }
        guard let options else {
            throw bad(reason(words.map { String(cString: $0) } ?? "", in: text))
        }
        return settings(options, functions)
    }

    /// libpq's words quote the URL or a part of it, so what follows a quotation mark is left out; the name of an unknown
    /// setting is told where it can't be a piece of a password.
    private static func reason(_ words: String, in text: String) -> String {
        let pieces = PostgresError.oneLine(words).split(separator: "\"", maxSplits: 2, omittingEmptySubsequences: false)
        let reason = pieces[0].reversed().drop { $0 == " " || $0 == ":" }.reversed()
        let query = text.drop { $0 != "?" }
        guard pieces.count > 1, reason.starts(with: "invalid URI query parameter"), !query.contains("password") else {
            return String(reason)
        }
        return "there is no setting \(pieces[1])"
    }

    private static func settings(
        _ options: UnsafeMutablePointer<PQconninfoOption>?,
        _ functions: ferry_libpq
    ) -> [String: String] {
        guard let options else { return [:] }
        defer { functions.PQconninfoFree(options) }
        var settings: [String: String] = [:]
        var option = options
        while let keyword = option.pointee.keyword {
            settings[String(cString: keyword)] = option.pointee.val.map { String(cString: $0) }
            option += 1
        }
        return settings
    }

    /// As libpq reads lists: one port counts for all hosts, and one that is left out is 5432.
    private static func places(_ hosts: String, _ ports: String) -> [Place] {
        let hosts = hosts.split(separator: ",", omittingEmptySubsequences: false)
        let ports = ports.split(separator: ",", omittingEmptySubsequences: false)
        guard hosts.count > 1, ports.count == 1 || ports.count == hosts.count, !hosts.contains("") else { return [] }
        return hosts.enumerated().map { index, host in
            let port = ports.count == 1 ? ports[0] : ports[index]
            return Place(host: String(host), port: port.isEmpty ? "5432" : String(port))
        }
    }

    private static func written(_ hosts: String, _ ports: String) -> String {
        let ports = ports.split(separator: ",", omittingEmptySubsequences: false)
        return hosts.split(separator: ",", omittingEmptySubsequences: false).enumerated().map { index, host in
            let port = ports.indices.contains(index) ? ports[index] : ports[0]
            return (host.contains(":") ? "[\(host)]:" : "\(host):") + (port.isEmpty ? "5432" : port)
        }.joined(separator: ",")
    }

    private static func bad(_ words: String) -> PostgresError {
        PostgresError(.badURL, "The database's URL can't be used: \(words)")
    }
}
