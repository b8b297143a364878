// What a sender offers: a document's name, counts and entries, without content (SESSION2.md section 7). Both
// sides hold one outline. It checks each entry when it is added.
//
//     offer = u8 kind || document id (16) || text16 name || u64 files || u64 directories || u64 bytes
//     entry = u8 kind || text16 path || u16 mode || i64 modified || u64 size || text16 target
#pragma once

#include <parley/crypto/blake2b.hpp>
#include <parley/proto/document_fault.hpp>

#include <limits>
#include <memory>
#include <vector>

namespace parley {

enum class document_kind : byte { file, directory, items, stream, text };
enum class entry_kind : byte { file = 1, directory = 2, link = 3 };
// How the content of a file travels: as it is, or as one frame of Zstandard.
enum class content_encoding : byte { plain, zstd };

// What the stream of a document is called in a hello.
inline constexpr std::string_view document_protocol = "parley.document";

inline constexpr std::size_t document_id_bytes = 16;
using document_id = std::array<byte, document_id_bytes>;

inline constexpr std::uint64_t unknown_size = std::numeric_limits<std::uint64_t>::max(); // of a stream
inline constexpr std::int64_t unknown_time = std::numeric_limits<std::int64_t>::min();
inline constexpr std::uint64_t max_document_text_bytes = 65536; // of the kind `text`
inline constexpr std::size_t max_entry_path_bytes = 4096;       // of a link's target, too
inline constexpr std::size_t max_path_components = 128;

struct document_offer {
    document_kind kind = document_kind::file;
    document_id id{};        // the same for all connections of one run of the sender
    std::string name;        // at most 255 bytes
    std::uint64_t files = 0; // and links
    std::uint64_t directories = 0;
    std::uint64_t bytes = 0; // unknown_size for a stream
    friend bool operator==(const document_offer&, const document_offer&) = default;
};

// One entry, with its whole path. It borrows its texts.
struct document_entry {
    entry_kind kind = entry_kind::file; // any number until it is checked
    std::string_view path;
    std::uint16_t mode = 0;
    std::int64_t modified = unknown_time; // nanoseconds since 1970 UTC
    std::uint64_t size = 0;
    std::string_view target; // of a link
    friend bool operator==(const document_entry&, const document_entry&) = default;
};

// The number of an entry's parent that stands for the top.
inline constexpr std::uint32_t top_entry = std::numeric_limits<std::uint32_t>::max();

// The entries of a document, in order. A path is stored as its last component and the number of the parent, so
// an entry of a large directory needs about 30 bytes more than its name. Not thread-safe, but several threads
// may read it.
class entry_list {
public:
    struct entry {
        entry_kind kind = entry_kind::file;
        std::uint32_t parent = top_entry;
        std::string_view name; // the last component; empty for the only entry of a file, stream or text
        std::uint16_t mode = 0;
        std::int64_t modified = unknown_time;
        std::uint64_t size = 0;
        std::string_view target;
    };

    std::size_t size() const noexcept { return places_.size(); }
    // The texts are valid as long as the list.
    entry at(std::uint32_t number) const noexcept;
    std::string path(std::uint32_t number) const;

    // Appends `e`, whose name has at most 255 bytes. False when the list is full: it holds 4 GiB.
    bool append(const entry& e);

private:
    static constexpr unsigned page_bits = 18;
    static constexpr std::size_t page_bytes = std::size_t{1} << page_bits;

    std::vector<std::unique_ptr<byte[]>> pages_; // an entry never crosses from one to the next
    std::size_t used_ = page_bytes;              // of the last page
    std::vector<std::uint32_t> places_;          // page number << page_bits | place in it
};

// Not thread-safe, but several threads may read it.
class document_outline {
public:
    // Checks kind and name. Nothing is wrong: no text.
    static std::optional<document_fault> check(document_kind kind, std::string_view name);

    // `kind` and `name` have passed check(). A sender of several items names them all, so that it learns at once
    // of a link that leads to none of them.
    document_outline(document_kind kind, const document_id& id, std::string name,
                     std::vector<std::string> items = {});

    // Adds the next entry, or says what is wrong with it. After a fault the outline is as it was, and can go
    // on: a sender leaves such an entry out. Reasons: not_taken; rule_broken for counts that cannot be;
    // no_space when the list is full.
    std::optional<document_fault> add(const document_entry& entry);
    // No entry follows. Says what is wrong with them all together. Reasons: not_taken for a link that leads to
    // none of several items; rule_broken for too few entries.
    std::optional<document_fault> complete() const;

    // With the counts of what has been added.
    const document_offer& offer() const noexcept { return offer_; }
    const entry_list& entries() const noexcept { return entries_; }
    // Of the bytes of all entries, in order.
    blake2b_256_digest digest() const noexcept { return hash_.digest(); }
    std::uint64_t entries_bytes() const noexcept { return entries_bytes_; }

private:
    struct open_directory {
        std::uint32_t number;
        std::size_t path_bytes;
    };
    bool holds_one_file() const noexcept;
    std::optional<document_fault> check_only_entry(const document_entry& entry) const;
    std::optional<document_fault> check_path(std::string_view path, std::size_t components) const;
    struct checked_target {
        std::optional<document_fault> fault;
        bool leads_to_unknown_item = false; // its item may still come
    };
    checked_target check_target(const document_entry& entry, std::size_t components) const;

    document_offer offer_;
    std::vector<std::string> items_; // of a sender, sorted
    entry_list entries_;
    blake2b_256 hash_;
    std::uint64_t entries_bytes_ = 0;
    byte_vector encoded_;               // the entry that is being added
    std::string last_path_;             // of the last entry
    std::vector<open_directory> open_;  // the directories that the next entry may be in, outermost first
    std::vector<std::uint32_t> tops_;   // the entries at the top, of several items
    std::vector<std::uint32_t> unsure_; // links to items that may still come, of several items
};

} // namespace parley
