// The names in a directory.
#pragma once

#include <parley/base/descriptor.hpp>
#include <parley/base/result.hpp>

#include <dirent.h>
#include <fcntl.h>
#include <memory>
#include <string_view>

namespace parley {

// Reads the names in an open directory, in the system's order, without "." and "..".
class directory_names {
public:
    // Reads `directory` from its beginning, and does not close it.
    static result<directory_names> of(int directory)
    {
        // fdopendir() takes ownership of its descriptor.
        descriptor own(::fcntl(directory, F_DUPFD_CLOEXEC, 0));
        if (!own) return last_system_error();
        directory_names out;
        out.stream_.reset(::fdopendir(own.get()));
        if (!out.stream_) return last_system_error();
        own.release();
        ::rewinddir(out.stream_.get());
        return out;
    }

    // The next name, valid until the next call; null after the last one.
    result<const char*> next()
    {
        for (;;) {
            errno = 0;
            const dirent* entry = ::readdir(stream_.get());
            if (entry == nullptr && errno != 0) return last_system_error();
            if (entry == nullptr) return static_cast<const char*>(nullptr);
            const std::string_view name = entry->d_name;
            if (name != "." && name != "..") return static_cast<const char*>(entry->d_name);
        }
    }

private:
    struct closer {
        void operator()(DIR* d) const noexcept { ::closedir(d); }
    };
    std::unique_ptr<DIR, closer> stream_;
};

} // namespace parley
