// A document while it comes: a tree in the staging folder. The sizes of its files say how much is there, so it needs no
// journal.
#pragma once

#include "payload/sink/entry_directories.hpp"

#include <parley/payload/content_sink.hpp>

namespace parley {

// The file, or the directory with all entries, has the name staged_name in the staging folder. Not thread-safe.
//
// Errors of all functions: entry_not_placed when the file system cannot hold the name of an entry, or takes it for
// another one's; the system's own. problem() has the words.
class staged_document {
public:
    static constexpr std::string_view staged_name = "document";

    // With `leave_out`, entries whose names cannot be held are left out, with what is below them.
    staged_document(std::shared_ptr<const document_outline> document, bool leave_out);
    staged_document(const staged_document&) = delete;
    staged_document& operator=(const staged_document&) = delete;

    // Uses `folder`, which outlives it. Finds what an earlier run has left there, and removes from it what cannot be
    // continued.
    error_code adopt(const guarded_directory& folder);
    bool is_adopted() const noexcept { return directories_.has_value(); }

    // What is to come.
    struct need {
        std::uint64_t bytes = 0; // in whole blocks
        std::uint64_t nodes = 0; // files, directories and links
    };
    need missing(std::uint32_t block_bytes) const;
    // Whether a byte of content is there.
    bool has_content() const noexcept;

    // The files of which bytes are there, with the digests of what is read there now, or was read by an earlier call and
    // has not changed. Files that cannot be read are left out.
    std::vector<kept_part> kept();

    error_code open(std::uint32_t number, std::uint64_t offset);
    error_code write(bytes_view bytes);
    error_code close();
    // Closes the open file, and keeps what is in it.
    void interrupt() noexcept;
    // Makes the directories that no file needed, then the links, and sets the directories' times. May be repeated.
    // Errors: document_rule_broken when content is missing.
    error_code complete();

    // What holds the top entries. After adopt(), and only if the document is no single file.
    const guarded_directory& tree() const noexcept { return tree_; }
    entry_directories& directories() noexcept { return *directories_; }
    bool is_here(std::uint32_t number) const noexcept { return staged_[number] < left_out; }
    // The entries that are left out; what is below them is not named.
    const std::vector<std::uint32_t>& left_out_entries() const noexcept { return left_out_; }
    // Counts what is here.
    void count(stored_document& document) const;
    const std::string& problem() const noexcept { return problem_; }

private:
    // Instead of a file's size.
    static constexpr std::uint64_t absent = UINT64_MAX;
    static constexpr std::uint64_t left_out = UINT64_MAX - 1;
    struct listing {
        std::uint32_t directory;
        std::vector<std::string> names; // sorted
        std::size_t next = 0;
    };
    struct partial {
        std::uint32_t entry = top_entry;
        std::uint64_t offset = 0;
        blake2b_256 hash;
    };

    const entry_list& entries() const noexcept { return document_->entries(); }
    std::string_view name_of(const entry_list::entry& entry) const noexcept
    {
        return entry.name.empty() ? staged_name : entry.name;
    }
    void scan(const guarded_directory& folder);
    void scan_entry(std::uint32_t number, std::string_view name, const guarded_directory& where,
                    unsigned allowed);
    void scan_next(listing& in, std::uint32_t number, unsigned allowed);
    void end_listing(listing& in);
    bool start_listing(std::vector<listing>& open, std::uint32_t directory);
    result<const guarded_directory*> directory(std::uint32_t number);
    error_code cannot_make(std::uint32_t number, error_code error, const guarded_directory& where);
    error_code pass_over(std::uint32_t number, error_code error);
    error_code make_link(std::uint32_t number);
    error_code fail(error_code error, std::string_view what, std::uint32_t number);
    static void set_time(const guarded_file& file, const entry_list::entry& entry) noexcept;
    std::optional<blake2b_256_digest> hash(std::uint32_t number);

    std::shared_ptr<const document_outline> document_;
    bool leave_out_;
    bool is_single_;
    guarded_directory tree_;
    std::optional<entry_directories> directories_;
    // For each entry: a file's size, 0 for directories and links that are here, absent or left_out.
    std::vector<std::uint64_t> staged_;
    std::vector<std::uint32_t> left_out_;
    std::vector<kept_part> kept_; // of the last call of kept()
    partial partial_;             // the last incomplete file that was hashed
    std::uint32_t current_ = top_entry;
    guarded_file file_;
    bool discards_ = false; // the content of an entry that is left out
    std::string problem_;
};

} // namespace parley
