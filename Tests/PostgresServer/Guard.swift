import Foundation
import Launching
import Synchronization

/// Ends a server when the test process ends, however that ends, and removes its folder: a shell that waits for the end of its
/// input, which the system closes with the process.
final class Guard: Sendable {
    /// Each line of the input is the number of the server's process, or empty while there is none.
    private static let script = """
        server=
        while read -r line; do server=$line; done
        if [ -n "$server" ]; then
            kill -QUIT "$server" 2>/dev/null
            tries=0
            while kill -0 "$server" 2>/dev/null && [ $tries -lt 50 ]; do sleep 0.1; tries=$((tries + 1)); done
        fi
        rm -rf "$1"
        """

    private let shell: Mutex<Process>
    private let input: FileHandle

    init(_ folder: URL) throws {
        let (shell, pipe) = (Process(), Pipe())
        shell.executableURL = URL(filePath: "/bin/sh")
        shell.arguments = ["-c", Self.script, "sh", folder.path]
        shell.currentDirectoryURL = URL(filePath: "/")
        shell.standardInput = pipe
        try shell.launchAlone()
        input = pipe.fileHandleForWriting
        // Else programs that other tests start would keep it open.
        _ = fcntl(input.fileDescriptor, F_SETFD, FD_CLOEXEC)
        self.shell = Mutex(shell)
    }

    /// Tells which process is to be ended; `nil` for none.
    func hold(_ server: Int32?) {
        try? input.write(contentsOf: Data("\(server.map { "\($0)" } ?? "")\n".utf8))
    }

    /// Removes the folder, of a server that is stopped.
    func end() {
        try? input.close()
        shell.withLock { $0.waitUntilExit() }
    }
}
