import Foundation
import LosslessJSON
import Testing

@Suite(.timeLimit(.minutes(3))) struct `Readiness` {
    #if os(Linux)
        /// A datagram socket as a service manager has one.
        private final class NotifySocket {
            let path: String
            private let descriptor: Int32

            init(at path: String) throws {
                self.path = path
                descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue), 0)
                var address = sockaddr_un()
                address.sun_family = sa_family_t(AF_UNIX)
                withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
                let bound = withUnsafePointer(to: &address) { address in
                    address.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                        bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
                    }
                }
                try #require(descriptor >= 0 && bound == 0)
            }

            deinit { close(descriptor) }

            /// What was sent by now; `nil` for nothing.
            func received() -> String? {
                var bytes = [UInt8](repeating: 0, count: 1024)
                let count = recv(descriptor, &bytes, bytes.count, Int32(MSG_DONTWAIT))
                return count < 0 ? nil : String(decoding: bytes.prefix(count), as: UTF8.self)
            }
        }

        @Test func `is told to a service manager once both listeners answer`() async throws {
            let folder = try ScratchFolder()
            let manager = try NotifySocket(at: folder.url.appending(path: "notify").path)
            let ferry = try await RunningFerry(data: "memory", environment: ["NOTIFY_SOCKET": manager.path])
            var words = manager.received()
            while words == nil {
                try await Task.sleep(for: .milliseconds(10))
                words = manager.received()
            }
            #expect(words == "READY=1")
            #expect(try await ferry.post("/v1/track", ["userId": "u1", "event": "E"]).status == 200)
            #expect(try await ferry.get("/readyz").status == 200)
            #expect(ferry.stop() == 0)
            #expect(manager.received() == nil)
        }

        @Test(arguments: ["/nowhere/notify", String(repeating: "n", count: 200)])
        func `is no reason to stop where the manager can't be told`(path: String) async throws {
            let ferry = try await RunningFerry(data: "memory", environment: ["NOTIFY_SOCKET": path])
            #expect(try await ferry.get("/readyz").status == 200)
            #expect(ferry.stop() == 0)
        }
    #endif

    @Test func `is what ferry status --ready asks, whatever the integrations do`() async throws {
        let folder = try ScratchFolder()
        let file = try folder.file(
            "ferry.yaml",
            """
            sources: { web: { write_key: key } }
            integrations:
              away:
                type: customerio
                settings: { site_id: s, api_key: k, endpoint: "http://127.0.0.1:9" }
            """
        )
        let ferry = try await RunningFerry(data: "memory", config: file)
        let ready = try await FerryProcess.run(["status", "--ready", "--url", ferry.privateURL])
        #expect(ready.status == 0)
        #expect(ready.output == "ready\n")
        #expect(ferry.stop() == 0)
        let gone = try await FerryProcess.run(["status", "--ready", "--url", ferry.privateURL])
        #expect(gone.status == 1)
        #expect(gone.errors.contains("no server answers"))
        let both = try await FerryProcess.run(["status", "--ready", "away"])
        #expect(both.status == 64)
    }
}
