import Foundation

/// Seconds of processor time, the system's included.
enum ProcessorTime {
    /// Of a process.
    static func of(_ process: Int32) -> Double {
        ticks(of: process).prefix(2).reduce(0, +) / perSecond
    }

    /// Of a process and of all that it has started, those that have ended included.
    static func of(familyOf process: Int32) -> Double {
        let list = try? String(contentsOfFile: "/proc/\(process)/task/\(process)/children", encoding: .utf8)
        let children = (list ?? "").split(separator: " ").compactMap { Int32($0) }
        return children.map { of($0) }.reduce(0, +) + ticks(of: process).reduce(0, +) / perSecond
    }

    /// Of this process.
    static var own: Double { of(ProcessInfo.processInfo.processIdentifier) }

    private static var perSecond: Double { Double(sysconf(Int32(_SC_CLK_TCK))) }

    /// The user's and the system's, then those of children that have ended.
    private static func ticks(of process: Int32) -> [Double] {
        // The name may hold spaces; what follows it begins with field 3, and 14 to 17 are the times.
        guard let line = try? String(contentsOfFile: "/proc/\(process)/stat", encoding: .utf8),
            let name = line.lastIndex(of: ")")
        else { return [] }
        return line[name...].split(separator: " ").dropFirst().dropFirst(11).prefix(4).compactMap { Double($0) }
    }
}
