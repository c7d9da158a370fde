/// How a connection is made and used. What the URL says about the same goes before it.
package struct PostgresOptions: Sendable {
    /// What the server shows in `pg_stat_activity`.
    package var applicationName = "ferry"
    /// Settings of the session, as `SET` takes them: ("synchronous_commit", "on").
    package var settings: [(String, String)] = []
    /// Whether only a server that takes writes will do: a standby is passed over, or refused with `readOnly`.
    package var needsWriting = false
    /// How long each host has to take a connection and the login. Finding its address comes on top: the system does that.
    package var connectTimeout = Duration.seconds(5)
    /// How long data may be on the way without the server's system saying that they came: after that the connection is lost.
    package var silenceTimeout = Duration.seconds(10)
    /// How long a statement may take before it is cancelled and the connection given up; `nil` for as long as it takes.
    ///
    /// It is measured here, and so holds for a server that is there but does nothing. One that answers is better told
    /// `statement_timeout`: then the connection stays.
    package var statementTimeout: Duration? = .seconds(60)
    /// Is asked several times a second while an answer is awaited: whether to give up now, as at the end of
    /// `statementTimeout`, because somebody knows that the server is away.
    package var givesUp: (@Sendable () -> Bool)?
    /// Is told the text of each statement, or those of a pipeline, and how long it took until it was answered or failed; on
    /// the thread that waits for it.
    package var observer: (@Sendable (_ text: String, _ duration: Duration) -> Void)?
    /// How many statements the server keeps prepared.
    package var preparedStatements = 256

    package init() {}
}
