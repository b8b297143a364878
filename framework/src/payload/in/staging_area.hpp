// The hidden folder beside the destination in which a document is put together, and which goes away with
// everything in it.
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

    // Creates one in `parent`, which outlives it. Errors: the system's own.
    static result<staging_area> create(const guarded_directory& parent, random_source& random);

    // Removes what receivers that were killed left in `parent`: folders of that name that are this user's,
    // private, and locked by nobody. Failures are passed over.
    static void remove_stale(const guarded_directory& parent) noexcept;

    explicit operator bool() const noexcept { return parent_ != nullptr; }
    const guarded_directory& directory() const noexcept { return directory_; }
    // Removes it and all in it. Safe to repeat.
    void remove() noexcept;

private:
    const guarded_directory* parent_ = nullptr;
    guarded_directory directory_;
    std::string name_;
};

} // namespace parley
