import Foundation

/// A disk on which something is wrong with one file, while another file is there.
struct FailingDisk {
    let folder: ScratchFolder
    private let switchPath: String
    private let library: Interposer

    enum Fault: String {
        /// A flush of what was written through the same descriptor fails.
        case fails
        /// It fails, and what was written meanwhile is lost.
        case loses
        /// It takes 0.4 seconds.
        case takesLong
        /// Writes fail, since the file system is mounted to be read,
        case isReadOnly
        /// broken,
        case breaks
        /// or full.
        case isFull
    }

    init(_ file: String, _ fault: Fault) async throws {
        folder = try ScratchFolder()
        switchPath = folder.url.appending(path: "fails").path
        library = try await Interposer(
            """
            #define _GNU_SOURCE
            #include <dlfcn.h>
            #include <errno.h>
            #include <stdio.h>
            #include <string.h>
            #include <unistd.h>
            enum { fails, loses, takesLong, isReadOnly, breaks, isFull };
            static const int fault = \(fault.rawValue);
            static char isWritten[4096];
            static int isFaulty(int file) {
                char link[64], path[4096];
                snprintf(link, sizeof link, "/proc/self/fd/%d", file);
                ssize_t length = readlink(link, path, sizeof path - 1);
                if (length < 0 || file >= sizeof isWritten) return 0;
                path[length] = 0;
                const char *name = strrchr(path, '/');
                return name && strcmp(name + 1, "\(file)") == 0 && access("\(switchPath)", F_OK) == 0;
            }
            #define WRITE(name) \\
                ssize_t name(int file, const void *bytes, size_t count, off_t offset) { \\
                    if (isFaulty(file)) { \\
                        isWritten[file] = 1; \\
                        if (fault == loses) return count; \\
                        if (fault >= isReadOnly) { \\
                            errno = fault == isReadOnly ? EROFS : fault == isFull ? ENOSPC : EIO; \\
                            return -1; \\
                        } \\
                    } \\
                    return ((ssize_t (*)(int, const void *, size_t, off_t))dlsym(RTLD_NEXT, #name)) \\
                        (file, bytes, count, offset); \\
                }
            WRITE(pwrite)
            WRITE(pwrite64)
            #define FLUSH(name) \\
                int name(int file) { \\
                    if (isFaulty(file)) { \\
                        if (fault == takesLong) usleep(400000); \\
                        else if (fault < isReadOnly && isWritten[file]) { isWritten[file] = 0; errno = EIO; return -1; } \\
                    } \\
                    return ((int (*)(int))dlsym(RTLD_NEXT, #name))(file); \\
                }
            FLUSH(fsync)
            FLUSH(fdatasync)
            """
        )
    }

    var environment: [String: String] { library.environment }

    func set(isFailing: Bool) throws {
        if isFailing {
            _ = FileManager.default.createFile(atPath: switchPath, contents: nil)
        } else {
            try? FileManager.default.removeItem(atPath: switchPath)
        }
    }
}
