// The hidden folder beside the destination in which a document is put together. It is removed with all its
// contents, or kept for a later run.
#pragma once

#include "payload/disk/guarded_directory.hpp"

#include <parley/base/random.hpp>
#include <parley/crypto/blake2b.hpp>

namespace parley {

// A folder ".parley-<16 random letters>.part" of mode 0700, locked while it is in use. One that a later run may
// find has 26 letters, which come from what is in it. Movable; not thread-safe.
class staging_area {
public:
    staging_area() noexcept = default;
    staging_area(staging_area&& other) noexcept;
    staging_area& operator=(staging_area&& other) noexcept;
    ~staging_area() { remove(); }

    // Creates a folder in `parent`, which outlives it. Errors: the system's own.
    static result<staging_area> create(const guarded_directory& parent, random_source& random);

    // The folder of the document with this digest (SESSION2.md section 9): the one that is there, else a new one.
    // `parent` outlives it. A folder that is not this user's alone, that somebody has locked, or that cannot be
    // locked, is left alone: then it is one of create(). Errors: the system's own.
    static result<staging_area> open_or_create(const guarded_directory& parent,
                                               const blake2b_256_digest& document, random_source& random);
    // The one that is there, or none.
    static staging_area find(const guarded_directory& parent, const blake2b_256_digest& document);

    // Does on a folder of its own in `parent` what a document needs: makes a file and a directory, writes,
    // moves both and removes them. Leaves nothing behind. Errors: those that a document would meet.
    static error_code try_out(const guarded_directory& parent, random_source& random);

    // Removes the folders that killed receivers left in `parent`: those of that name that this user owns,
    // that are private, and that nobody has locked. Ignores failures.
    static void remove_stale(const guarded_directory& parent) noexcept;
    // Removes the folders that could still be continued, of the same kinds, if nobody has touched them for seven
    // days before `now` (nanoseconds since 1970 UTC, as that file system has it). Ignores failures.
    static void remove_old(const guarded_directory& parent, std::int64_t now) noexcept;

    explicit operator bool() const noexcept { return parent_ != nullptr; }
    const guarded_directory& directory() const noexcept { return directory_; }
    const std::string& name() const noexcept { return name_; }
    // Whether open_or_create() and find() find it again once it is left().
    bool may_be_found() const noexcept;
    // Removes the folder and its contents. May be called again.
    void remove() noexcept;
    // Leaves the folder where it is, unlocked, for a later run.
    void leave() noexcept;
    // Leaves the folder where it is. Neither this object nor remove_stale() removes it any more. Returns its
    // name.
    std::string keep() noexcept;

private:
    static result<staging_area> make(const guarded_directory& parent, std::string name);
    static void remove_left(const guarded_directory& parent, std::size_t letters,
                            std::int64_t before) noexcept;

    const guarded_directory* parent_ = nullptr;
    guarded_directory directory_;
    std::string name_;
};

} // namespace parley
