import Foundation
import Testing

/// A library that stands between a process and the system's, written in C.
struct Interposer: Sendable {
    private let folder: ScratchFolder
    private let library: String

    /// What a process is started with that has it.
    var environment: [String: String] { ["LD_PRELOAD": library] }

    /// Builds one, which lasts as long as this.
    init(_ source: String) async throws {
        folder = try ScratchFolder()
        library = folder.url.appending(path: "interposer.so").path
        let file = try folder.file("interposer.c", source)
        // The compiler beside Swift's own.
        let arguments = ["clang", "-shared", "-fPIC", "-o", library, file, "-ldl"]
        let compiled = try await FerryProcess.run(arguments, program: URL(filePath: "/usr/bin/env"))
        try #require(compiled.status == 0, "\(compiled.errors)")
    }
}
