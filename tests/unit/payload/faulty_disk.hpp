// Lets a test's program think that its file system is another one, or full.
#pragma once

#include <cstdint>

namespace parley_test {

// What openat(), mkdirat(), symlinkat(), fstatat(), fstatvfs() and pwrite() of this program do as long as one of these exists.
// Everything else is passed on. Not thread-safe.
struct faulty_disk {
    faulty_disk();
    faulty_disk(const faulty_disk&) = delete;
    faulty_disk& operator=(const faulty_disk&) = delete;
    ~faulty_disk();

    bool folds_case = false;               // names that differ by case are one name
    char refused = '\0';                   // names with this character cannot be made
    std::uint64_t room = UINT64_MAX;       // so many bytes can be written, then the disk is full
    std::uint64_t free_bytes = UINT64_MAX; // the file system says that no more are free
    std::uint64_t calls = 0;               // of these functions
};

} // namespace parley_test
