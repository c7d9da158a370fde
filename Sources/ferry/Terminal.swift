import ArgumentParser
import Foundation
import Storage

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// Standard output for data, standard error for everything that is said to a person; colour only on a terminal.
enum Terminal {
    enum Style: String {
        case bold = "1"
        case dim = "2"
        case red = "31"
        case green = "32"
        case yellow = "33"
    }

    static let outputIsTerminal = isatty(STDOUT_FILENO) == 1
    static let errorIsTerminal = isatty(STDERR_FILENO) == 1

    /// Data, a line.
    static func print(_ line: String) {
        write(Array((line + "\n").utf8), to: STDOUT_FILENO)
    }

    /// Data as it is.
    static func print(_ bytes: [UInt8]) {
        write(bytes, to: STDOUT_FILENO)
    }

    /// A message to the person at the terminal.
    static func error(_ line: String) {
        write(Array((line + "\n").utf8), to: STDERR_FILENO)
    }

    /// A line that the next one overwrites; nothing where standard error is no terminal.
    static func progress(_ line: String) {
        guard errorIsTerminal else { return }
        write(Array("\r\u{1B}[K\(line)".utf8), to: STDERR_FILENO)
    }

    static func styled(_ text: String, _ style: Style, isTerminal: Bool = outputIsTerminal) -> String {
        isTerminal ? "\u{1B}[\(style.rawValue)m\(text)\u{1B}[0m" : text
    }

    /// All bytes, in as many pieces as the other side takes; a reader who has gone away is nobody's fault.
    private static func write(_ bytes: [UInt8], to file: Int32) {
        var rest = bytes[...]
        while !rest.isEmpty {
            let written = rest.withUnsafeBytes { Foundation.write(file, $0.baseAddress, $0.count) }
            if written < 0 {
                if errno == EINTR || errno == EAGAIN { continue }
                return
            }
            rest = rest.dropFirst(written)
        }
    }
}

extension Terminal {
    /// What the storage says no to is said as a sentence, and ends the command.
    static func reportingStorageErrors(_ work: () throws -> Void) throws {
        do {
            try work()
        } catch let error as StorageError {
            self.error(error.description)
            throw ExitCode.failure
        }
    }
}
