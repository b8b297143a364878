// The objects of a pack while it is received: each file in a staged file, directories and waiting deltas in
// one spool. Deltas are applied as they arrive. Memory is a few fixed buffers and the index, whatever the
// size of an object or a base.
//
// What is made is bounded, not only what stays. A delta of a few bytes can make a large object that is here
// already, any number of times. A delta that copies its whole base is recognised and makes nothing: so our
// senders send equal files. Of everything else that turns out to be here already, the bytes are summed up.
// That sum may reach
//
//     3 x the bytes of the distinct objects + 1032 x the bytes of the pack + 64 MiB
//
// No honest sender comes near. Version 1 sends an object once (PROTOCOL.md section 8), so its sum is zero. A
// sender that sends every equal file again in full stays below, because zlib makes at most 1032 bytes of one.
// So does one that sends equal files as deltas against others, as long as it repeats an object three times
// on average. So all work, in bytes, is within four times what stays plus what the pack itself inflates to.
//
// A small file may be held in memory instead, because its folder is likely to come soon. Then it is made in
// the staged folder, under its own name (make_folder, put_in_folder), or it is staged after all when others
// need the memory. The record of a file says where it is: `held`, or `base` is the number of the folder, or
// else it is staged.
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

// Entries arrive one after another: begin(), content() any number of times, end(). After the last entry call
// resolve_waiting(). After an error only the destructor may be called. Not thread-safe.
class object_store final : private delta_sink {
public:
    // `random` is used only here.
    object_store(const receiver_limits& limits, random_source& random);

    // Sets the directory for the staged files. It is empty and outlives the store's use of it. Call this
    // before the first begin().
    void stage_in(const guarded_directory& directory) noexcept { directory_ = &directory; }

    // From now on small files are held in memory.
    void hold_small_files() noexcept { holding_ = true; }

    // Counts an entry that is not an object of the store (the root, a file's name), to keep the numbers those
    // of the stream.
    void skip_entry(std::uint64_t offset) { index_.add(offset); }

    // Begins a file, a directory or a delta. Errors of this and all calls below: document_too_large, no_room,
    // too_many_entries, pack_bad_entry, pack_missing_base, pack_bad_delta, the system's own.
    error_code begin(const entry_header& header, std::uint64_t offset);
    error_code content(bytes_view bytes);
    error_code end();
    // After begin(): the hash of an object that is not a delta, or null for a delta. The caller then updates
    // it with the content, and the store does not.
    sha1* take_content_hash() noexcept;
    // After begin(): nobody will look for this object by its id, so the store does not compute it.
    void leave_without_id() noexcept { hashed_elsewhere_ = true; }
    // Applies the deltas that waited for a base. Errors: pack_missing_base (a base never came, or there is a
    // loop).
    error_code resolve_waiting();

    // Closes its files, so that removing them frees their space. Nothing more may arrive.
    void close() noexcept { spool_ = {}, file_ = {}, base_file_ = {}; }

    const object_index& index() const noexcept { return index_; }
    object_index& index() noexcept { return index_; }

    // Reads part of a present directory's content.
    error_code read_directory(std::uint32_t number, std::uint64_t offset, mutable_bytes out) const;
    // Makes the present file `number`, which is in no folder, appear in `where` as `name`. `again` says that
    // it is needed elsewhere, too.
    error_code place_file(std::uint32_t number, const guarded_directory& where, std::string_view name,
                          bool again);
    // The name in the staging directory of the present file `number`, or of the folder of the directory
    // `number`, until it is placed.
    static std::string staged_name(std::uint32_t number);

    bool holds_files() const noexcept { return !held_.empty(); }
    // Makes the staged folder of the present directory `number`. Call this once per directory.
    result<guarded_directory> make_folder(std::uint32_t number);
    // Writes the held file `number` into the open `folder` of the directory `of`. The directory's entry at
    // `offset` of its content calls it `name`.
    error_code put_in_folder(std::uint32_t number, const guarded_directory& folder, std::uint32_t of,
                             std::uint64_t offset, std::string_view name);
    bool in_folder(std::uint32_t number) const noexcept;
    // Moves the file `number` from a folder that has not been placed back to its staged name.
    error_code take_from_folder(std::uint32_t number);
    // Makes the folder of the directory `number` appear in `where` as `name`.
    error_code place_folder(std::uint32_t number, const guarded_directory& where, std::string_view name);

    // Whether `bytes` more could be staged. Claims nothing.
    error_code could_take(std::uint64_t bytes);
    // Whether so many more files and directories could be made.
    error_code could_make(std::uint64_t inodes);

    // Bytes of files that have arrived, also of those that were here already.
    std::uint64_t file_bytes_written() const noexcept { return file_bytes_written_; }
    // What the last error was about, in a few words, and which entry if it was not the current one.
    std::string_view problem() const noexcept { return problem_; }
    std::optional<std::uint32_t> problem_entry() const noexcept { return problem_entry_; }

private:
    enum class mode { idle, whole, applying, waiting };

    error_code fail(errc code, std::string_view problem);
    error_code claim(std::uint64_t bytes);
    error_code begin_delta(const entry_header& header, std::uint32_t number);
    error_code begin_waiting(std::uint32_t number, std::uint64_t size);
    error_code begin_applying(std::uint32_t number, std::uint32_t base);
    error_code begin_result(std::uint64_t size);
    error_code leave_base();
    error_code end_applying();
    error_code end_copy_of_base();
    error_code apply_waiting(std::uint32_t number, std::uint32_t base);

    error_code begin_object(pack_entry_kind kind, std::uint64_t size);
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
    error_code count_repeated(std::uint64_t bytes);
    error_code open_spool();
    error_code open_base(std::uint32_t number);
    result<guarded_file> open_file(std::uint32_t number);
    error_code read_folder_entry(const object_record& file, tree_parser& parser) const;
    error_code read_base(std::uint64_t offset, mutable_bytes out) const;

    error_code sizes(std::uint64_t base_bytes, std::uint64_t result_bytes) override;
    error_code copy(std::uint64_t offset, std::uint64_t length) override;
    error_code insert(bytes_view bytes) override;

    static constexpr std::size_t buffer_bytes = 64 * 1024;
    static constexpr std::size_t window_bytes = 16 * 1024;
    static constexpr std::uint32_t nothing = UINT32_MAX;
    static constexpr std::uint64_t repeated_per_kept = 3;
    static constexpr std::uint64_t repeated_per_packed = 1032; // zlib's highest ratio
    static constexpr std::uint64_t repeated_at_least = 64ull << 20;

    receiver_limits limits_;
    const guarded_directory* directory_ = nullptr;
    object_index index_;
    space_budget budget_;
    guarded_file spool_;
    std::vector<std::uint32_t> waiting_;

    // The object being written.
    mode mode_ = mode::idle;
    std::uint32_t current_ = 0;
    pack_entry_kind kind_ = pack_entry_kind::file;
    guarded_file file_;
    object_hasher hasher_;
    bool hashed_elsewhere_ = false;
    std::unique_ptr<byte[]> buffer_;
    std::size_t buffered_ = 0; // bytes of it in the buffer; of a held file, bytes that have arrived

    bool holding_ = false;
    small_file_cache held_;

    // The delta being applied. As long as it has only copied its base from the start, nothing has been made.
    delta_parser delta_;
    std::uint32_t delta_base_ = nothing;
    bool equals_base_ = false;
    std::uint64_t equal_bytes_ = 0;

    std::uint32_t base_ = nothing; // the base that is open for reading
    guarded_file base_file_;
    std::unique_ptr<byte[]> window_; // a piece of the base, for copies of few bytes
    std::uint64_t window_offset_ = 0;
    std::size_t window_filled_ = 0;

    std::uint64_t file_bytes_written_ = 0;
    std::uint64_t kept_bytes_ = 0;     // of the distinct objects
    std::uint64_t repeated_bytes_ = 0; // made, of objects that were here already
    std::string problem_;
    std::optional<std::uint32_t> problem_entry_;
};

} // namespace parley
