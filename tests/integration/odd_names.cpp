// Preloaded into a program: lets it think that its file system takes names that differ by case for one (EEXIST) and
// knows no colons (ENOENT, as exFAT through FUSE says). Everything else is passed on.
#include <cerrno>
#include <cstdarg>
#include <cstring>
#include <dirent.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

namespace {

template <class Function>
Function* next(const char* name)
{
    return reinterpret_cast<Function*>(::dlsym(RTLD_NEXT, name));
}

// Whether the file system would refuse to make `name`. Sets errno.
bool is_refused(int directory, const char* name)
{
    if (std::strchr(name, ':') != nullptr) {
        errno = ENOENT;
        return true;
    }
    const int own =
        next<int(int, const char*, int, ...)>("openat")(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (own < 0) return false;
    DIR* const stream = ::fdopendir(own);
    bool taken = false;
    while (const dirent* entry = ::readdir(stream))
        taken = taken || (::strcasecmp(entry->d_name, name) == 0 && std::strcmp(entry->d_name, name) != 0);
    ::closedir(stream);
    if (taken) errno = EEXIST;
    return taken;
}

} // namespace

extern "C" {

int openat(int directory, const char* name, int flags, ...)
{
    mode_t mode = 0;
    if ((flags & O_CREAT) != 0) {
        va_list more;
        va_start(more, flags);
        mode = va_arg(more, mode_t);
        va_end(more);
        if (is_refused(directory, name)) return -1;
    }
    return next<int(int, const char*, int, ...)>("openat")(directory, name, flags, mode);
}

int mkdirat(int directory, const char* name, mode_t mode) noexcept
{
    if (is_refused(directory, name)) return -1;
    return next<int(int, const char*, mode_t)>("mkdirat")(directory, name, mode);
}

int renameat(int from, const char* name, int to, const char* to_name) noexcept
{
    if (is_refused(to, to_name)) return -1;
    return next<int(int, const char*, int, const char*)>("renameat")(from, name, to, to_name);
}

int renameat2(int from, const char* name, int to, const char* to_name, unsigned flags) noexcept
{
    if (is_refused(to, to_name)) return -1;
    return next<int(int, const char*, int, const char*, unsigned)>("renameat2")(from, name, to, to_name,
                                                                                flags);
}

int linkat(int from, const char* name, int to, const char* to_name, int flags) noexcept
{
    if (is_refused(to, to_name)) return -1;
    return next<int(int, const char*, int, const char*, int)>("linkat")(from, name, to, to_name, flags);
}

} // extern "C"
