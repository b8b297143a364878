#include "unit/payload/faulty_disk.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdarg>
#include <cstring>
#include <string>

#include <dirent.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <strings.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

namespace parley_test {
namespace {

faulty_disk* current_disk = nullptr;

template <class Function>
Function* next_call(const char* name)
{
    return reinterpret_cast<Function*>(::dlsym(RTLD_NEXT, name));
}

// The name in `directory` that differs from `name` by case alone; `name` if there is none.
std::string folded(int directory, const char* name)
{
    std::string found = name;
    const int own = next_call<int(int, const char*, int, ...)>("openat")(directory, ".",
                                                                         O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (own < 0) return found;
    DIR* const stream = ::fdopendir(own);
    while (const dirent* entry = ::readdir(stream))
        if (::strcasecmp(entry->d_name, name) == 0) found = entry->d_name;
    ::closedir(stream);
    return found;
}

// Whether `name` cannot be made. Sets errno.
bool is_refused(int directory, const char* name)
{
    if (current_disk == nullptr) return false;
    if (current_disk->refused != '\0' && std::strchr(name, current_disk->refused) != nullptr) {
        errno = ENOENT; // as exFAT through FUSE says
        return true;
    }
    if (!current_disk->folds_case || folded(directory, name) == name) return false;
    errno = EEXIST;
    return true;
}

void count_call()
{
    if (current_disk != nullptr) ++current_disk->calls;
}

} // namespace

faulty_disk::faulty_disk()
{
    current_disk = this;
}
faulty_disk::~faulty_disk()
{
    current_disk = nullptr;
}

} // namespace parley_test

extern "C" {

int openat(int directory, const char* name, int flags, ...)
{
    using namespace parley_test;
    mode_t mode = 0;
    count_call();
    if ((flags & O_CREAT) != 0) {
        va_list more;
        va_start(more, flags);
        mode = va_arg(more, mode_t);
        va_end(more);
        if (is_refused(directory, name)) return -1;
    }
    return next_call<int(int, const char*, int, ...)>("openat")(directory, name, flags, mode);
}

int mkdirat(int directory, const char* name, mode_t mode) noexcept
{
    using namespace parley_test;
    count_call();
    if (is_refused(directory, name)) return -1;
    return next_call<int(int, const char*, mode_t)>("mkdirat")(directory, name, mode);
}

int symlinkat(const char* target, int directory, const char* name) noexcept
{
    using namespace parley_test;
    count_call();
    if (is_refused(directory, name)) return -1;
    return next_call<int(const char*, int, const char*)>("symlinkat")(target, directory, name);
}

int fstatat(int directory, const char* name, struct stat* out, int flags) noexcept
{
    using namespace parley_test;
    count_call();
    const bool folds = current_disk != nullptr && current_disk->folds_case;
    const std::string held = folds ? folded(directory, name) : name;
    return next_call<int(int, const char*, struct stat*, int)>("fstatat")(directory, held.c_str(), out,
                                                                          flags);
}

int fstatvfs(int fd, struct statvfs* out) noexcept
{
    using namespace parley_test;
    count_call();
    const int answer = next_call<int(int, struct statvfs*)>("fstatvfs")(fd, out);
    if (answer == 0 && current_disk != nullptr)
        out->f_bavail = std::min<fsblkcnt_t>(out->f_bavail, current_disk->free_bytes / out->f_frsize);
    return answer;
}

ssize_t pwrite(int fd, const void* bytes, std::size_t size, off_t offset)
{
    using namespace parley_test;
    count_call();
    if (current_disk != nullptr && current_disk->room < size) {
        if (current_disk->room == 0) {
            errno = ENOSPC;
            return -1;
        }
        size = static_cast<std::size_t>(current_disk->room);
    }
    const ssize_t done =
        next_call<ssize_t(int, const void*, std::size_t, off_t)>("pwrite")(fd, bytes, size, offset);
    if (current_disk != nullptr && done > 0) {
        current_disk->room -= static_cast<std::uint64_t>(done);
        current_disk->free_bytes -= std::min(current_disk->free_bytes, static_cast<std::uint64_t>(done));
    }
    return done;
}

} // extern "C"
