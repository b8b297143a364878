// A library for LD_PRELOAD: chosen calls on chosen files fail.
//
//   PARLEY_FAULTS        CALL=ERROR[@N|#N],…   e.g. "renameat2=EINVAL,linkat=EPERM", "pwrite=EDQUOT@3"
//   PARLEY_FAULTS_UNDER  a folder: only calls on what is anywhere in it fail, and those on it; with a slash at the
//                        end, only those that name it as their directory
//
// ERROR is the name of an error number. SHORT halves a read, a write or a copy instead of failing it. @N means
// from the N-th such call on, #N only the N-th. A close() that fails has closed. The name of a call is that of
// the system's call: "open" is open() and openat(), "stat" all forms of stat().
//
// No header is included that declares these functions: their definitions would not fit.
#include <cerrno>
#include <climits>
#include <cstdarg>
#include <cstdlib>
#include <cstring>
#include <dlfcn.h>
#include <sys/syscall.h>

extern "C" long syscall(long number, ...) noexcept;

namespace {

constexpr int at_fdcwd = -100;
constexpr int creates = 0100 | 020000000; // O_CREAT, O_TMPFILE

struct named_error {
    const char* name;
    int number;
};
constexpr int shortened = -1;
constexpr named_error errors[] = {
    {"EACCES", EACCES},
    {"EBADF", EBADF},
    {"EBUSY", EBUSY},
    {"EISDIR", EISDIR},
    {"ESPIPE", ESPIPE},
    {"EDQUOT", EDQUOT},
    {"EEXIST", EEXIST},
    {"EFBIG", EFBIG},
    {"EINTR", EINTR},
    {"EINVAL", EINVAL},
    {"EIO", EIO},
    {"EMFILE", EMFILE},
    {"EMLINK", EMLINK},
    {"ENFILE", ENFILE},
    {"ENODEV", ENODEV},
    {"ENOENT", ENOENT},
    {"ENOLCK", ENOLCK},
    {"ENOMEM", ENOMEM},
    {"ENOSPC", ENOSPC},
    {"ENOSYS", ENOSYS},
    {"ENXIO", ENXIO},
    {"EPERM", EPERM},
    {"EOPNOTSUPP", EOPNOTSUPP},
    {"EROFS", EROFS},
    {"ESTALE", ESTALE},
    {"EXDEV", EXDEV},
    {"ETIMEDOUT", ETIMEDOUT},
    {"EPIPE", EPIPE},
    {"ECANCELED", ECANCELED},
    {"ECONNRESET", ECONNRESET},
    {"SHORT", shortened},
};

enum call {
    call_open,
    call_stat,
    call_read,
    call_pread,
    call_write,
    call_pwrite,
    call_copy_file_range,
    call_close,
    call_statvfs,
    call_mkdirat,
    call_renameat,
    call_renameat2,
    call_linkat,
    call_unlinkat,
    call_flock,
    call_fdopendir,
    call_readdir,
    call_fchmod,
    call_lseek,
    calls
};
constexpr const char* call_names[calls] = {
    "open",  "stat",      "read",    "pread",    "write",     "pwrite", "copy_file_range",
    "close", "statvfs",   "mkdirat", "renameat", "renameat2", "linkat", "unlinkat",
    "flock", "fdopendir", "readdir", "fchmod",   "lseek",
};

struct fault {
    int error = 0;
    unsigned first = 1, last = UINT_MAX; // of the calls, from 1
    unsigned seen = 0;
};

struct plan {
    fault faults[calls];
    char under[PATH_MAX] = "";

    plan()
    {
        if (const char* folder = std::getenv("PARLEY_FAULTS_UNDER"))
            std::strncpy(under, folder, sizeof under - 1);
        const char* text = std::getenv("PARLEY_FAULTS");
        while (text != nullptr && *text != '\0') text = read_one(text);
    }

    // Reads up to the next comma.
    const char* read_one(const char* text)
    {
        const std::size_t name = std::strcspn(text, "=");
        const char* error = text + name + (text[name] == '=' ? 1 : 0);
        const std::size_t error_size = std::strcspn(error, "@#,");
        fault* which = nullptr;
        for (int i = 0; i < calls; ++i)
            if (is(call_names[i], text, name)) which = &faults[i];
        for (const named_error& e : errors)
            if (which != nullptr && is(e.name, error, error_size)) which->error = e.number;
        if (which == nullptr || which->error == 0) std::abort(); // a mistake in the test
        const char* mark = error + error_size;
        if (*mark == '@' || *mark == '#') which->first = static_cast<unsigned>(std::atoi(mark + 1));
        if (*mark == '#') which->last = which->first;
        const char* comma = std::strchr(mark, ',');
        return comma == nullptr ? nullptr : comma + 1;
    }
    static bool is(const char* word, const char* text, std::size_t size)
    {
        return std::strlen(word) == size && std::strncmp(word, text, size) == 0;
    }

    // The error of this call on `path`, relative to `directory`, or on `directory` itself; 0: none.
    int of(call what, int directory, const char* path)
    {
        fault& f = faults[what];
        if (f.error == 0 || !is_under(directory, path)) return 0;
        const unsigned count = __atomic_add_fetch(&f.seen, 1u, __ATOMIC_RELAXED);
        return count >= f.first && count <= f.last ? f.error : 0;
    }

    static bool find_directory(int directory, char (&at)[PATH_MAX])
    {
        char link[32] = "/proc/self/cwd";
        if (directory != at_fdcwd) {
            if (directory < 0) return false;
            char digits[12] = "";
            char* first = digits + sizeof digits - 1;
            do *--first = static_cast<char>('0' + directory % 10);
            while ((directory /= 10) > 0);
            std::strcpy(link, "/proc/self/fd/");
            std::strcat(link, first);
        }
        const long length = syscall(SYS_readlink, link, at, sizeof at - 1);
        return length > 0;
    }

    bool is_under(int directory, const char* path) const
    {
        if (under[0] == '\0') return true;
        char at[PATH_MAX] = "";
        if (path != nullptr && path[0] == '/')
            std::strncpy(at, path, sizeof at - 1);
        else if (!find_directory(directory, at))
            return false;
        const std::size_t length = std::strlen(under);
        if (under[length - 1] == '/')
            return std::strlen(at) + 1 == length && std::strncmp(at, under, length - 1) == 0;
        return std::strncmp(at, under, length) == 0 && (at[length] == '\0' || at[length] == '/');
    }
};

plan& the_plan()
{
    static plan* one = new plan; // never destroyed: calls come until the very end
    return *one;
}

template <class Function>
Function* real(Function*& known, const char* name)
{
    if (known == nullptr) known = reinterpret_cast<Function*>(dlsym(RTLD_NEXT, name));
    return known;
}

// Whether the call fails; sets errno.
bool fails(call what, int directory, const char* path = nullptr)
{
    const int saved = errno;
    const int error = the_plan().of(what, directory, path);
    errno = error > 0 ? error : saved;
    return error > 0;
}

// The same for a transfer of `size` bytes, which may be shortened.
bool fails(call what, int fd, std::size_t& size)
{
    const int saved = errno;
    const int error = the_plan().of(what, fd, nullptr);
    if (error == shortened && size > 1) size /= 2;
    errno = error > 0 ? error : saved;
    return error > 0;
}

} // namespace

// NAME(parameters) by the real function of that name, unless the call fails.
#define PARLEY_FAULT(what, result, name, parameters, arguments, where)                                       \
    extern "C" result name parameters;                                                                       \
    extern "C" result name parameters                                                                        \
    {                                                                                                        \
        static result(*known) parameters = nullptr;                                                          \
        if (fails where) return static_cast<result>(-1);                                                     \
        return real(known, #name) arguments;                                                                 \
    }

#define PARLEY_FAULT_OPEN(name, first_parameter, first_argument, where)                                      \
    extern "C" int name(first_parameter const char* path, int flags, ...);                                   \
    extern "C" int name(first_parameter const char* path, int flags, ...)                                    \
    {                                                                                                        \
        static int (*known)(first_parameter const char* path, int flags, ...) = nullptr;                     \
        unsigned mode = 0;                                                                                   \
        if ((flags & creates) != 0) {                                                                        \
            va_list more;                                                                                    \
            va_start(more, flags);                                                                           \
            mode = va_arg(more, unsigned);                                                                   \
            va_end(more);                                                                                    \
        }                                                                                                    \
        if (fails(call_open, where, path)) return -1;                                                        \
        return real(known, #name)(first_argument path, flags, mode);                                         \
    }
#define PARLEY_NOTHING
#define PARLEY_DIRECTORY int directory,
#define PARLEY_DIRECTORY_ARGUMENT directory,

PARLEY_FAULT_OPEN(open, PARLEY_NOTHING, PARLEY_NOTHING, at_fdcwd)
PARLEY_FAULT_OPEN(open64, PARLEY_NOTHING, PARLEY_NOTHING, at_fdcwd)
PARLEY_FAULT_OPEN(openat, PARLEY_DIRECTORY, PARLEY_DIRECTORY_ARGUMENT, directory)
PARLEY_FAULT_OPEN(openat64, PARLEY_DIRECTORY, PARLEY_DIRECTORY_ARGUMENT, directory)

PARLEY_FAULT(call_stat, int, stat, (const char* path, void* out), (path, out), (call_stat, at_fdcwd, path))
PARLEY_FAULT(call_stat, int, stat64, (const char* path, void* out), (path, out), (call_stat, at_fdcwd, path))
PARLEY_FAULT(call_stat, int, fstat, (int fd, void* out), (fd, out), (call_stat, fd))
PARLEY_FAULT(call_stat, int, fstat64, (int fd, void* out), (fd, out), (call_stat, fd))
PARLEY_FAULT(call_stat, int, fstatat, (int directory, const char* path, void* out, int flags),
             (directory, path, out, flags), (call_stat, directory, path))
PARLEY_FAULT(call_stat, int, fstatat64, (int directory, const char* path, void* out, int flags),
             (directory, path, out, flags), (call_stat, directory, path))
PARLEY_FAULT(call_statvfs, int, fstatvfs, (int fd, void* out), (fd, out), (call_statvfs, fd))
PARLEY_FAULT(call_statvfs, int, fstatvfs64, (int fd, void* out), (fd, out), (call_statvfs, fd))

PARLEY_FAULT(call_read, long, read, (int fd, void* out, std::size_t size), (fd, out, size),
             (call_read, fd, size))
PARLEY_FAULT(call_read, long, __read_chk, (int fd, void* out, std::size_t size, std::size_t room),
             (fd, out, size, room), (call_read, fd, size))
PARLEY_FAULT(call_pread, long, pread, (int fd, void* out, std::size_t size, long offset),
             (fd, out, size, offset), (call_pread, fd, size))
PARLEY_FAULT(call_pread, long, pread64, (int fd, void* out, std::size_t size, long offset),
             (fd, out, size, offset), (call_pread, fd, size))
PARLEY_FAULT(call_pread, long, __pread_chk,
             (int fd, void* out, std::size_t size, long offset, std::size_t room),
             (fd, out, size, offset, room), (call_pread, fd, size))
PARLEY_FAULT(call_pread, long, __pread64_chk,
             (int fd, void* out, std::size_t size, long offset, std::size_t room),
             (fd, out, size, offset, room), (call_pread, fd, size))
PARLEY_FAULT(call_write, long, write, (int fd, const void* data, std::size_t size), (fd, data, size),
             (call_write, fd, size))
PARLEY_FAULT(call_pwrite, long, pwrite, (int fd, const void* data, std::size_t size, long offset),
             (fd, data, size, offset), (call_pwrite, fd, size))
PARLEY_FAULT(call_pwrite, long, pwrite64, (int fd, const void* data, std::size_t size, long offset),
             (fd, data, size, offset), (call_pwrite, fd, size))
PARLEY_FAULT(call_copy_file_range, long, copy_file_range,
             (int from, long* from_offset, int to, long* to_offset, std::size_t size, unsigned flags),
             (from, from_offset, to, to_offset, size, flags), (call_copy_file_range, to, size))

PARLEY_FAULT(call_mkdirat, int, mkdirat, (int directory, const char* path, unsigned mode),
             (directory, path, mode), (call_mkdirat, directory, path))
PARLEY_FAULT(call_renameat, int, renameat, (int from, const char* old_path, int to, const char* new_path),
             (from, old_path, to, new_path), (call_renameat, to, new_path))
PARLEY_FAULT(call_renameat2, int, renameat2,
             (int from, const char* old_path, int to, const char* new_path, unsigned flags),
             (from, old_path, to, new_path, flags), (call_renameat2, to, new_path))
PARLEY_FAULT(call_linkat, int, linkat,
             (int from, const char* old_path, int to, const char* new_path, int flags),
             (from, old_path, to, new_path, flags), (call_linkat, to, new_path))
PARLEY_FAULT(call_unlinkat, int, unlinkat, (int directory, const char* path, int flags),
             (directory, path, flags), (call_unlinkat, directory, path))
PARLEY_FAULT(call_flock, int, flock, (int fd, int operation), (fd, operation), (call_flock, fd))
PARLEY_FAULT(call_fchmod, int, fchmod, (int fd, unsigned mode), (fd, mode), (call_fchmod, fd))
PARLEY_FAULT(call_lseek, long, lseek, (int fd, long offset, int whence), (fd, offset, whence),
             (call_lseek, fd))
PARLEY_FAULT(call_lseek, long, lseek64, (int fd, long offset, int whence), (fd, offset, whence),
             (call_lseek, fd))

extern "C" int close(int fd);
extern "C" int close(int fd)
{
    static int (*known)(int) = nullptr;
    const int error = the_plan().of(call_close, fd, nullptr);
    const int closed = real(known, "close")(fd);
    if (error <= 0) return closed;
    errno = error;
    return -1;
}

extern "C" void* fdopendir(int fd);
extern "C" void* fdopendir(int fd)
{
    static void* (*known)(int) = nullptr;
    return fails(call_fdopendir, fd) ? nullptr : real(known, "fdopendir")(fd);
}

extern "C" int dirfd(void* stream) noexcept;

#define PARLEY_FAULT_READDIR(name)                                                                           \
    extern "C" void* name(void* stream);                                                                     \
    extern "C" void* name(void* stream)                                                                      \
    {                                                                                                        \
        static void* (*known)(void*) = nullptr;                                                              \
        return fails(call_readdir, dirfd(stream)) ? nullptr : real(known, #name)(stream);                    \
    }
PARLEY_FAULT_READDIR(readdir)
PARLEY_FAULT_READDIR(readdir64)
