// Builds a received directory from its objects, in the staging directory. It checks everything before it
// builds. Only folders whose files are held in memory are built earlier, as they arrive, each checked on its
// own.
#pragma once

#include "payload/format/tree_codec.hpp"
#include "payload/in/object_store.hpp"

#include <parley/payload/document_receiver.hpp>

#include <deque>
#include <string>

namespace parley {

// Call fill_early() any number of times, check(), then build(). Not thread-safe.
class tree_builder {
public:
    // The sums over a directory and everything below it, counted as often as it is used.
    struct totals {
        std::uint64_t bytes = 0; // of the files
        std::uint32_t files = 0;
        std::uint32_t directories = 0; // including itself
        std::uint32_t height = 0;      // 1 for a directory without subdirectories
    };

    // `store` outlives it. A store has only one builder.
    tree_builder(object_store& store, const receiver_limits& limits) : store_(store), limits_(limits) {}

    // The directory `number` has arrived: writes its held files into its staged folder. Does nothing if its
    // content is wrong, which check() reports later. Errors: the system's own.
    error_code fill_early(std::uint32_t number);
    // Call this when every object is in the store. Reads every directory from `top` down, each once. Errors,
    // with the path in problem(): pack_missing_object, pack_bad_tree, hostile_name, name_collision,
    // tree_too_deep, too_many_entries, document_too_large, no_room, the system's own.
    error_code check(const object_id& top);
    // After check(): makes the directory, with its contents, in `where` as `name`. Leaves out a path whose name
    // the file system cannot hold, with what is below it. Errors: document_too_large, no_room, the system's own.
    error_code build(const guarded_directory& where, std::string_view name);

    // What the directory holds; after build() without what is left out.
    const totals& total() const noexcept { return total_; }
    // The paths that build() has left out: the first thousand, and how many.
    const std::vector<skipped_path>& skipped() const noexcept { return skipped_; }
    std::uint64_t skipped_count() const noexcept { return skipped_count_; }
    // What the last error was about. Text from the other side is escaped in it.
    const std::string& problem() const noexcept { return problem_; }

private:
    // A position in a directory's content.
    struct cursor {
        std::uint32_t object = UINT32_MAX;
        std::uint64_t offset = 0;
    };
    struct check_frame {
        cursor at;
        totals sum;
        std::string name;
        std::vector<std::uint64_t> keys; // hashes of the names so far
    };
    struct build_frame {
        cursor at;
        guarded_directory directory;
        std::string name;
    };
    template <class Frame>
    static std::string path_of(const std::vector<Frame>& stack, std::string_view name);

    // Reads the entry at `at` and moves past it. Sets `ended` instead at the end of the content.
    error_code next(cursor& at, bool& ended);
    error_code check_paths();
    error_code check_entry(std::vector<check_frame>& stack);
    error_code check_end(std::vector<check_frame>& stack);
    error_code build_entry(std::vector<build_frame>& stack);
    error_code find(const tree_entry& entry, std::uint32_t& object);
    error_code add(std::vector<check_frame>& stack, const totals& more, std::string_view name);
    error_code collision(const check_frame& frame, std::uint64_t key);
    void leave_out(const std::vector<build_frame>& stack, const error_code& error);
    bool may_fill(std::uint32_t number);
    void share(std::uint32_t object); // it is needed more than once
    error_code share_what_is_below();
    error_code separate_shared();
    result<guarded_directory> make_directory(std::uint32_t object, const guarded_directory& where,
                                             std::string_view name);
    error_code fail(errc code, std::string_view problem, std::string_view name);
    error_code cannot_make(error_code error); // about the entry read last

    static constexpr std::uint64_t paths_per_entry = 10; // see receiver_limits::max_repeated_paths
    static constexpr std::size_t buffer_bytes = 8192;
    static constexpr std::size_t longest_early_bytes = 1 << 20; // of a directory: about 25,000 names
    static constexpr std::size_t max_skipped = 1000;            // that are listed

    object_store& store_;
    receiver_limits limits_;
    // The totals of checked directories. A directory's `base` is its index here plus one.
    std::deque<totals> checked_;
    std::vector<std::uint32_t> shared_; // directories below which everything must still be marked as shared
    std::uint32_t top_ = 0;
    totals total_;
    std::uint64_t distinct_bytes_ = 0; // of the files, each content once
    std::uint64_t inodes_here_ = 0; // of the files and directories that are in the staging directory already
    tree_parser parser_;
    std::array<byte, buffer_bytes> buffer_{}; // the piece of a directory that was read last
    cursor buffer_at_;
    std::size_t buffered_ = 0;
    std::vector<skipped_path> skipped_;
    std::uint64_t skipped_count_ = 0;
    std::string problem_;
};

} // namespace parley
