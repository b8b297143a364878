// Receives a document: takes a PACK stream (PROTOCOL.md section 8) piece by piece and makes a file or a
// directory tree of it. The document appears by one rename, after its trailer has been checked. Otherwise
// nothing is left behind.
#pragma once

#include <parley/base/bytes.hpp>
#include <parley/base/result.hpp>
#include <parley/payload/skipped_path.hpp>

#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace parley {

// Bounds on what a hostile sender can cost. A document that exceeds one is refused.
struct receiver_limits {
    receiver_limits() = default;

    std::uint32_t max_entries = 2'000'000; // entries in the pack, and paths in the tree
    // Paths in a tree that names the same contents again and again: above this number there may be at most ten
    // times as many paths as entries in the pack. A few hundred bytes can name millions of paths. Set it to
    // max_entries if the user sees the number before commit().
    std::uint32_t max_repeated_paths = 200'000;
    // Bounds the staged bytes. The free space less the reserve bounds them, too.
    std::uint64_t max_document_bytes = UINT64_MAX;
    // The reserve, which stays free: so many bytes, but no more than this share of the file system.
    std::uint64_t free_space_reserve_bytes = 64ull << 20;
    double free_space_reserve_share = 1.0 / 64;
    std::uint32_t max_depth = 128;        // nested directories
    std::uint32_t max_delta_depth = 4096; // deltas based on deltas
};

struct receiver_options {
    receiver_options() = default;

    std::filesystem::path directory = "."; // an existing directory for the document
    // Its name there, instead of the offered one (same rules). The offered one may then mislead.
    std::optional<std::string> name;
    // Whether the offered name may begin with a dot (".ssh", ".bashrc"). A file or folder of such a name can
    // change what other programs do. Set it if the user sees the name before commit(). It does not restrict
    // `name`, or names inside a directory.
    bool allow_dot_name = false;
    // Whether a document whose name is taken gets another one: "report (1).txt", "folder (1)", and so on. Set
    // it if the user asked for it, or sees the name (preview()) before commit().
    bool allow_other_name = false;
    // Takes the content of a file, instead of `directory`, which holds the file only until it has arrived and is
    // checked. commit() calls it with one piece after another, and at the end without bytes. An error fails the
    // commit. A directory is refused with not_a_file as soon as its first entry arrives. Empty: the document
    // stays in `directory`.
    std::function<error_code(bytes_view)> output;
    receiver_limits limits;
};

struct received_document {
    std::filesystem::path path; // where it is; empty when it went to receiver_options::output
    bool is_directory = false;
    std::uint64_t files = 0;
    std::uint64_t directories = 0;
    std::uint64_t content_bytes = 0;
    // Paths in the directory whose names this file system cannot hold, or takes for another one's. They are left
    // out, with all that is below them, and not counted above. Known after commit(): the first thousand, and
    // how many.
    std::vector<skipped_path> skipped;
    std::uint64_t skipped_count = 0;
};

class document_receiver {
public:
    // Opens the directory. Makes, moves and removes a hidden folder there, to find out whether a document can
    // be made. Leaves nothing there before the first entry arrives. Errors: the system's own (of that trial), and
    // hostile_name or destination_exists for `options.name`.
    static result<document_receiver> create(receiver_options options);

    document_receiver(document_receiver&&) noexcept;
    document_receiver& operator=(document_receiver&&) noexcept;
    ~document_receiver(); // removes what was staged, unless commit() succeeded

    // Takes the next bytes of the stream, in any split. Blocks on the disk. Discards the bytes after the
    // trailer. Errors: pack_*, hostile_name, refused_by_user (the name begins with a dot, which is not
    // allowed), name_collision, too_many_entries, document_too_large, no_room, tree_too_deep,
    // destination_exists (of a file), not_a_file, the system's own. All errors of the system are in
    // file_category(). After an error it removes what was staged and takes no more.
    error_code write(bytes_view bytes);

    // Whether the trailer has arrived and is correct, and every object that the document needs is here.
    bool complete() const noexcept;

    // What commit() will place, and under which path: of a file once its size is known, of a directory once it
    // is complete. A directory takes a place on the disk for each of its files and directories only in commit().
    std::optional<received_document> preview() const;

    // Builds the complete document in the staging folder, and moves it to its place by one rename that never
    // overwrites. After destination_exists it may be called again. Errors: pack_truncated (not complete),
    // destination_exists, no_room, the system's own, those of receiver_options::output.
    result<received_document> commit();

    // After a commit() that failed in its last step: leaves what arrived at another place in the directory,
    // under its name with a number, or else in the staging folder. Returns that place, which error_detail() then
    // tells, too. Returns nothing if there is nothing to keep. abandon() does not remove it.
    std::optional<std::filesystem::path> keep();

    // Removes what was staged. After that write() and commit() fail with `cancelled`. May be called again.
    void abandon() noexcept;

    // What the last error was about (an entry, a name, an offset), for people. Hostile text in it is escaped.
    const std::string& error_detail() const noexcept;

    // Empty until known. The name is checked, but escape it before you show it.
    const std::string& offered_name() const noexcept;
    // The name at the destination if the wanted one is taken and another one is allowed; else empty.
    std::string other_name() const;
    std::uint64_t content_bytes_written() const noexcept; // file content staged so far
    std::uint64_t stream_bytes() const noexcept;          // bytes of the stream taken
    // Of a single file, once its header has arrived.
    std::optional<std::uint64_t> expected_content_bytes() const noexcept;

private:
    struct state;
    explicit document_receiver(std::unique_ptr<state> s) noexcept;
    std::unique_ptr<state> state_;
};

} // namespace parley
