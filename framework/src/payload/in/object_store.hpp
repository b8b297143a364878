// The objects of a pack on their way in: each file in a staged file of its own, directories and waiting
// deltas in one spool, deltas applied as they stream. Memory is a few fixed buffers and the index, however
// large an object or a base is.
//
// A small file may be held in memory instead, for its folder is likely to come soon: then it is made in the
// staged folder, under its own name (make_folder, put_in_folder), or staged after all when others need the
// room. Where a file is, its record says: `held`, or `base` for the folder's number, or else staged.
#pragma once

#include "payload/disk/guarded_directory.hpp"
#include "payload/format/entry_codec.hpp"
#include "payload/format/tree_codec.hpp"
#include "payload/in/delta.hpp"
#include "payload/in/object_index.hpp"
#include "payload/in/small_file_cache.hpp"
#include "payload/in/space_budget.hpp"

#include <parley/payload/document_receiver.hpp>

namespace parley {

// Entries arrive one after another: begin(), content() any number of times, end(); after the last,
// resolve_waiting(). After an error only the destructor may be called. Not thread-safe.
class object_store final : private delta_sink {
public:
    // `random` is used now only.
    object_store(const receiver_limits& limits, random_source& random);

    // Where the staged files go: an empty directory that outlives the store's use of it. Before the first
    // begin().
    void stage_in(const guarded_directory& directory) noexcept { directory_ = &directory; }

    // From now on small files are held.
    void hold_small_files() noexcept { holding_ = true; }

    // Counts an entry that is no object of the store (the root, a file's name), so that numbers stay the
    // stream's.
    void skip_entry(std::uint64_t offset) { index_.add(offset); }

    // Begins a file, a directory or a delta. Errors: document_too_large, too_many_entries, pack_bad_entry,
    // pack_missing_base, pack_bad_delta, the system's own; so for all below.
    error_code begin(const entry_header& header, std::uint64_t offset);
    error_code content(bytes_view bytes);
    error_code end();
    // After begin(): of an object that comes as a whole, the hash that the caller will update with the
    // content (the store will not); null for a delta.
    sha1* take_content_hash() noexcept;
    // After begin(): nobody will look for this object by its id, which is then not worked out.
    void leave_without_id() noexcept { hashed_elsewhere_ = true; }
    // Applies the deltas that waited for a base. Errors: pack_missing_base for one that never came, or a
    // loop.
    error_code resolve_waiting();

    // Closes its files, so that what is removed is gone; nothing more may arrive.
    void close() noexcept;

    const object_index& index() const noexcept { return index_; }
    object_index& index() noexcept { return index_; }

    // Reads a present directory's content.
    error_code read_directory(std::uint32_t number, std::uint64_t offset, mutable_bytes out) const;
    // Makes the present file `number`, which is in no folder, appear in `where` as `name`; `again` says that
    // it is needed elsewhere too.
    error_code place_file(std::uint32_t number, const guarded_directory& where, std::string_view name,
                          bool again);
    // What the present file `number`, or the folder of the directory `number`, is called in the staging
    // directory until it is placed.
    static std::string staged_name(std::uint32_t number);

    bool holds_files() const noexcept { return !held_.empty(); }
    // Makes the staged folder of the present directory `number`, once.
    result<guarded_directory> make_folder(std::uint32_t number);
    // Makes the held file `number` in the open `folder` of the directory `of`, which calls it `name` in its
    // entry at `offset` of its content.
    error_code put_in_folder(std::uint32_t number, const guarded_directory& folder, std::uint32_t of,
                             std::uint64_t offset, std::string_view name);
    bool in_folder(std::uint32_t number) const noexcept;
    // Gives the file `number`, in a folder that has not been placed, its staged name back.
    error_code take_from_folder(std::uint32_t number);
    // Makes the folder of the directory `number` appear in `where` as `name`.
    error_code place_folder(std::uint32_t number, const guarded_directory& where, std::string_view name);

    // Whether `bytes` more could be staged, claiming nothing.
    error_code could_take(std::uint64_t bytes);

    std::uint64_t file_bytes_written() const noexcept { return file_bytes_written_; }
    // What the last error was about, in a few words, and which entry when it was not the one under way.
    std::string_view problem() const noexcept { return problem_; }
    std::optional<std::uint32_t> problem_entry() const noexcept { return problem_entry_; }

private:
    enum class mode { idle, whole, applying, waiting };

    error_code fail(errc code, std::string_view problem);
    error_code begin_delta(const entry_header& header, std::uint32_t number);
    error_code begin_waiting(std::uint32_t number, std::uint64_t size);
    error_code begin_applying(std::uint32_t number, std::uint32_t base);
    error_code end_applying();
    error_code apply_waiting(std::uint32_t number, std::uint32_t base);

    error_code begin_object(entry_kind kind, std::uint64_t size);
    error_code begin_file(object_record& record);
    error_code write_held(object_record& record, const guarded_directory& where, std::string_view name);
    error_code stage_held(std::uint32_t number);
    error_code stage_all_held();
    void release_held(object_record& record) noexcept;
    error_code append_held(bytes_view bytes);
    error_code append(bytes_view bytes);
    error_code flush();
    error_code write_through(bytes_view bytes);
    error_code end_object();
    error_code open_spool();
    error_code open_base(std::uint32_t number);
    result<guarded_file> open_file(std::uint32_t number);
    error_code read_folder_entry(const object_record& file, tree_parser& parser) const;
    error_code read_base(std::uint64_t offset, mutable_bytes out) const;

    error_code sizes(std::uint64_t base_bytes, std::uint64_t result_bytes) override;
    error_code copy(std::uint64_t offset, std::uint64_t length) override;
    error_code insert(bytes_view bytes) override { return append(bytes); }

    static constexpr std::size_t buffer_bytes = 64 * 1024;
    static constexpr std::size_t window_bytes = 16 * 1024;
    static constexpr std::uint32_t nothing = UINT32_MAX;

    receiver_limits limits_;
    const guarded_directory* directory_ = nullptr;
    object_index index_;
    space_budget budget_;
    guarded_file spool_;
    std::vector<std::uint32_t> waiting_;

    // The object that is being written.
    mode mode_ = mode::idle;
    std::uint32_t current_ = 0;
    entry_kind kind_ = entry_kind::file;
    guarded_file file_;
    object_hasher hasher_;
    bool hashed_elsewhere_ = false;
    std::unique_ptr<byte[]> buffer_;
    std::size_t buffered_ = 0; // bytes of it in the buffer; or of a held file, that have come

    bool holding_ = false;
    small_file_cache held_;

    // The delta that is being applied, and its base.
    delta_parser delta_;
    std::uint32_t base_ = nothing;
    guarded_file base_file_;
    std::unique_ptr<byte[]> window_; // a piece of the base, for copies of a few bytes each
    std::uint64_t window_offset_ = 0;
    std::size_t window_filled_ = 0;

    std::uint64_t file_bytes_written_ = 0;
    std::string_view problem_;
    std::optional<std::uint32_t> problem_entry_;
};

} // namespace parley
