// The hidden folder beside the destination in which a document is put together. It is removed with all its
// contents.
#pragma once

#include "payload/disk/guarded_directory.hpp"

#include <parley/base/random.hpp>

namespace parley {

// A folder ".parley-<16 random letters>.part" of mode 0700, locked while it is in use. Movable; not
// thread-safe.
class staging_area {
public:
    staging_area() noexcept = default;
    staging_area(staging_area&& other) noexcept;
    staging_area& operator=(staging_area&& other) noexcept;
    ~staging_area() { remove(); }

    // Creates a folder in `parent`, which outlives it. Errors: the system's own.
    static result<staging_area> create(const guarded_directory& parent, random_source& random);

    // Does on a folder of its own in `parent` what a document needs: makes a file and a directory, writes,
    // moves both and removes them. Leaves nothing behind. Errors: those that a document would meet.
    static error_code try_out(const guarded_directory& parent, random_source& random);

    // Removes the folders that killed receivers left in `parent`: those of that name that this user owns,
    // that are private, and that nobody has locked. Ignores failures.
    static void remove_stale(const guarded_directory& parent) noexcept;

    explicit operator bool() const noexcept { return parent_ != nullptr; }
    const guarded_directory& directory() const noexcept { return directory_; }
    // Removes the folder and its contents. May be called again.
    void remove() noexcept;
    // Leaves the folder where it is. Neither this object nor remove_stale() removes it any more. Returns its
    // name.
    std::string keep() noexcept;

private:
    const guarded_directory* parent_ = nullptr;
    guarded_directory directory_;
    std::string name_;
};

} // namespace parley
