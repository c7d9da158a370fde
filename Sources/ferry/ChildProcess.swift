import Foundation

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// A program that has this one's standard input, output and error, and its terminal.
///
/// Not Foundation's `Process`, which puts the program into a process group of its own: then the terminal stops it as soon
/// as it reads, and a ^C does not reach it.
struct ChildProcess {
    struct Failure: Error, CustomStringConvertible {
        let description: String
    }

    private let process: pid_t

    /// Starts a program, found as a shell finds it, with further variables.
    init(_ command: [String], environment: [String: String]) throws(Failure) {
        let all = ProcessInfo.processInfo.environment.merging(environment) { $1 }
        var arguments = command.map { strdup($0) } + [nil]
        var variables = all.map { strdup("\($0.key)=\($0.value)") } + [nil]
        defer { for text in arguments + variables { free(text) } }
        var attributes = posix_spawnattr_t()
        var actions = posix_spawn_file_actions_t()
        posix_spawnattr_init(&attributes)
        posix_spawn_file_actions_init(&actions)
        defer {
            posix_spawnattr_destroy(&attributes)
            posix_spawn_file_actions_destroy(&actions)
        }
        // Signals that are blocked or not heard here are heard there.
        var none = sigset_t()
        var every = sigset_t()
        sigemptyset(&none)
        sigfillset(&every)
        posix_spawnattr_setsigmask(&attributes, &none)
        posix_spawnattr_setsigdefault(&attributes, &every)
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF))
        Self.keepFilesToOurselves()
        var started: pid_t = 0
        let error = posix_spawnp(&started, command[0], &actions, &attributes, &arguments, &variables)
        guard error == 0 else {
            throw Failure(description: "\(command[0]) can't be started: \(String(cString: strerror(error)))")
        }
        process = started
    }

    /// Whether what is typed as ^C goes to this process and those that it has started.
    static var hasTerminal: Bool { isatty(STDIN_FILENO) == 1 && tcgetpgrp(STDIN_FILENO) == getpgrp() }

    /// What the program leaves behind must not hold our ports and databases.
    private static func keepFilesToOurselves() {
        for name in (try? FileManager.default.contentsOfDirectory(atPath: "/dev/fd")) ?? [] {
            guard let file = Int32(name), file > STDERR_FILENO else { continue }
            _ = fcntl(file, F_SETFD, FD_CLOEXEC)
        }
    }

    func send(_ signal: Int32) {
        _ = kill(process, signal)
    }

    /// Waits for its end; the status as a shell tells it, 128 and the signal for one that was killed.
    func status() async -> Int32 {
        await withCheckedContinuation { continuation in
            // It blocks, for as long as a test suite takes.
            Thread.detachNewThread {
                var status: Int32 = 0
                while waitpid(process, &status, 0) < 0, errno == EINTR {}
                let signal = status & 0x7f
                continuation.resume(returning: signal == 0 ? status >> 8 & 0xff : 128 + signal)
            }
        }
    }
}
