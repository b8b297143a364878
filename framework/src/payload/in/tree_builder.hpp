// A received directory, from its objects. All of it is checked before it is put together; only folders whose
// files are held in memory are made, each checked by itself, when they come. Both happen in the staging
// directory.
#pragma once

#include "payload/format/tree_codec.hpp"
#include "payload/in/object_store.hpp"

#include <parley/payload/document_receiver.hpp>

#include <deque>
#include <string>

namespace parley {

// fill_early() any number of times, check(), then build(). Not thread-safe.
class tree_builder {
public:
    // What a directory amounts to with all that is below it, counted as often as it is used.
    struct totals {
        std::uint64_t bytes = 0; // of the files
        std::uint32_t files = 0;
        std::uint32_t directories = 0; // itself included
        std::uint32_t height = 0;      // 1 for a directory without directories
    };

    // `store` outlives it and has no other builder ever.
    tree_builder(object_store& store, const receiver_limits& limits) : store_(store), limits_(limits) {}

    // The directory `number` has come: makes those of its files that are held in its staged folder, unless
    // something about its content is wrong, which is left for check() to judge. Errors: the system's own.
    error_code fill_early(std::uint32_t number);
    // Every object that will come is in the store: reads every directory from `top` down, each once. Errors:
    // pack_missing_object, pack_bad_tree, hostile_name, name_collision, tree_too_deep, too_many_entries,
    // document_too_large, the system's own.
    error_code check(const object_id& top);
    // After check(): makes the directory in `where` as `name`, with all that is in it. Errors:
    // document_too_large, the system's own.
    error_code build(const guarded_directory& where, std::string_view name);

    const totals& total() const noexcept { return total_; }
    // What the last error was about; what came from the other side is escaped in it.
    const std::string& problem() const noexcept { return problem_; }

private:
    // A place in the reading of a directory's content.
    struct cursor {
        std::uint32_t object = UINT32_MAX;
        std::uint64_t offset = 0;
    };
    struct check_frame {
        cursor at;
        totals sum;
        std::vector<std::uint64_t> keys; // of the names so far, hashed
    };
    struct build_frame {
        cursor at;
        guarded_directory directory;
    };

    // Reads the entry at `at` and moves past it; `ended` instead at the content's end.
    error_code next(cursor& at, bool& ended);
    error_code check_entry(std::vector<check_frame>& stack);
    error_code check_end(std::vector<check_frame>& stack);
    error_code build_entry(std::vector<build_frame>& stack);
    error_code find(const tree_entry& entry, std::uint32_t& object);
    error_code add(totals& sum, const totals& more, std::size_t depth);
    error_code collision(const check_frame& frame, std::uint64_t key);
    bool may_fill(std::uint32_t number);
    void share(std::uint32_t object); // it is needed more than once
    error_code share_what_is_below();
    error_code separate_shared();
    result<guarded_directory> make_directory(std::uint32_t object, const guarded_directory& where,
                                             std::string_view name);
    error_code fail(errc code, std::string_view problem, std::string_view name);
    error_code cannot_make(error_code error); // the entry read last

    static constexpr std::size_t buffer_bytes = 8192;
    static constexpr std::size_t longest_early_bytes = 1 << 20; // of a directory: about 25,000 names

    object_store& store_;
    receiver_limits limits_;
    std::deque<totals> checked_; // a checked directory's record has its place here, plus one, as `base`
    std::vector<std::uint32_t> shared_; // directories whose content is still to be shared
    std::uint32_t top_ = 0;
    totals total_;
    std::uint64_t distinct_bytes_ = 0; // of the files, each content once
    tree_parser parser_;
    std::array<byte, buffer_bytes> buffer_{}; // the piece of a directory that was read last
    cursor buffer_at_;
    std::size_t buffered_ = 0;
    std::string problem_;
};

} // namespace parley
