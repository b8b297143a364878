#include "payload/in/object_store.hpp"

#include <parley/base/safe_name.hpp>

#include <algorithm>

namespace parley {
namespace {

constexpr std::string_view spool_name = "spool";
constexpr std::uint64_t longest_tree_entry_bytes = tree_entry_bytes(false, max_name_bytes);

} // namespace

object_store::object_store(const receiver_limits& limits, random_source& random)
    : limits_(limits),
      index_(random),
      budget_(limits),
      buffer_(std::make_unique_for_overwrite<byte[]>(buffer_bytes)),
      window_(std::make_unique_for_overwrite<byte[]>(window_bytes))
{
}

error_code object_store::fail(errc code, std::string_view problem)
{
    problem_ = problem;
    return code;
}

error_code object_store::claim(std::uint64_t bytes)
{
    const error_code error = budget_.claim(bytes, *directory_);
    if (error == errc::no_room) problem_ = budget_.problem();
    return error;
}

std::string object_store::staged_name(std::uint32_t number)
{
    return std::to_string(number);
}

error_code object_store::could_take(std::uint64_t bytes)
{
    if (const error_code error = claim(bytes)) return error;
    budget_.release(bytes);
    return {};
}

error_code object_store::could_make(std::uint64_t inodes)
{
    const std::uint64_t free = directory_->free_space().free_inodes;
    if (inodes <= free) return {};
    return fail(errc::no_room, "it needs " + std::to_string(inodes) + " more files and directories; " +
                                   std::to_string(free) + " can be made");
}

error_code object_store::begin(const entry_header& header, std::uint64_t offset)
{
    object_record& record = index_.add(offset);
    current_ = index_.size() - 1;
    record.kind = header.kind;
    if (is_delta(header.kind)) return begin_delta(header, current_);
    mode_ = mode::whole;
    return begin_object(header.kind, header.size);
}

sha1* object_store::take_content_hash() noexcept
{
    hashed_elsewhere_ = mode_ == mode::whole;
    return hashed_elsewhere_ ? &hasher_.hash() : nullptr;
}

error_code object_store::content(bytes_view bytes)
{
    switch (mode_) {
    case mode::whole:
        return append(bytes);
    case mode::applying: {
        const error_code error = delta_.write(bytes, *this);
        if (error == errc::pack_bad_delta && !delta_.problem().empty()) problem_ = delta_.problem();
        return error;
    }
    case mode::waiting:
        return spool_.append(bytes);
    case mode::idle:
        break;
    }
    return {};
}

error_code object_store::end()
{
    const mode finished = std::exchange(mode_, mode::idle);
    switch (finished) {
    case mode::whole:
        return end_object();
    case mode::applying:
        return end_applying();
    case mode::waiting:
    case mode::idle:
        break;
    }
    return {};
}

// ---- deltas

error_code object_store::begin_delta(const entry_header& header, std::uint32_t number)
{
    object_record& record = index_.at(number);
    std::optional<std::uint32_t> base;
    if (header.kind == pack_entry_kind::offset_delta) {
        if (header.base_distance > record.offset)
            return fail(errc::pack_bad_entry, "delta with a base before the start");
        base = index_.find_offset(record.offset - header.base_distance);
        if (!base) return fail(errc::pack_missing_base, "delta with a base where no entry begins");
        if (index_.at(*base).state == object_state::unusable)
            return fail(errc::pack_missing_base, "delta against the root");
        record.base = *base;
        if (index_.at(*base).state == object_state::waiting) base.reset();
    } else {
        base = index_.find(header.base_id);
        if (!base) record.id = header.base_id;
    }
    if (base) {
        mode_ = mode::applying;
        return begin_applying(number, *base);
    }
    return begin_waiting(number, header.size);
}

error_code object_store::begin_waiting(std::uint32_t number, std::uint64_t size)
{
    if (const error_code error = claim(size)) return error;
    if (const error_code error = open_spool()) return error;
    object_record& record = index_.at(number);
    record.state = object_state::waiting;
    record.size = size;
    record.position = spool_.size();
    waiting_.push_back(number);
    mode_ = mode::waiting;
    return {};
}

error_code object_store::begin_applying(std::uint32_t number, std::uint32_t base)
{
    base = index_.holder(base);
    current_ = number;
    const object_record& from = index_.at(base);
    if (from.delta_depth >= limits_.max_delta_depth || from.delta_depth == UINT16_MAX)
        return fail(errc::pack_bad_delta, "a longer chain of deltas than allowed");
    index_.at(number).delta_depth = static_cast<std::uint16_t>(from.delta_depth + 1);
    delta_.reset();
    delta_base_ = base;
    equals_base_ = false;
    equal_bytes_ = 0;
    return {};
}

error_code object_store::end_applying()
{
    if (const error_code error = delta_.finish()) {
        problem_ = delta_.problem();
        return error;
    }
    return equals_base_ ? end_copy_of_base() : end_object();
}

// The result is its base, so there is nothing to make.
error_code object_store::end_copy_of_base()
{
    const object_record& base = index_.at(delta_base_);
    object_record& record = index_.at(current_);
    record.kind = base.kind;
    record.size = base.size;
    record.id = base.id;
    record.base = 0;
    index_.settle(current_);
    if (base.kind == pack_entry_kind::file) file_bytes_written_ += base.size;
    return {};
}

error_code object_store::begin_result(std::uint64_t size)
{
    if (const error_code error = begin_object(index_.at(delta_base_).kind, size)) return error;
    return open_base(delta_base_);
}

// The result differs from its base after all: what they have in common is made now.
error_code object_store::leave_base()
{
    if (!std::exchange(equals_base_, false)) return {};
    if (const error_code error = begin_result(index_.at(delta_base_).size)) return error;
    return copy(0, equal_bytes_);
}

error_code object_store::sizes(std::uint64_t base_bytes, std::uint64_t result_bytes)
{
    const object_record& base = index_.at(delta_base_);
    if (base_bytes != base.size) return fail(errc::pack_bad_delta, "delta for a base of another size");
    equals_base_ = result_bytes == base_bytes;
    return equals_base_ ? error_code() : begin_result(result_bytes);
}

error_code object_store::insert(bytes_view bytes)
{
    if (const error_code error = leave_base()) return error;
    return append(bytes);
}

error_code object_store::copy(std::uint64_t offset, std::uint64_t length)
{
    if (equals_base_ && offset == equal_bytes_) {
        equal_bytes_ += length;
        return {};
    }
    if (const error_code error = leave_base()) return error;
    while (length > 0) {
        // Copies of a few bytes come by the thousand, often from one place.
        const bool inside = offset >= window_offset_ && offset - window_offset_ < window_filled_;
        if (!inside) {
            const std::uint64_t left = index_.at(base_).size - offset;
            window_filled_ = 0;
            const auto piece = static_cast<std::size_t>(std::min<std::uint64_t>(left, window_bytes));
            if (const error_code error = read_base(offset, {window_.get(), piece})) return error;
            window_offset_ = offset;
            window_filled_ = piece;
        }
        const auto at = static_cast<std::size_t>(offset - window_offset_);
        const auto piece = static_cast<std::size_t>(std::min<std::uint64_t>(length, window_filled_ - at));
        if (const error_code error = append({window_.get() + at, piece})) return error;
        offset += piece;
        length -= piece;
    }
    return {};
}

error_code object_store::resolve_waiting()
{
    // Apply all deltas whose bases are here, then those whose bases are the results, and so on. A delta that
    // still waits after that has no base. The lists keep the announced bases, because a result overwrites its
    // base in the record.
    struct by_entry {
        std::uint32_t base;
        std::uint32_t number;
    };
    struct by_id {
        object_id base;
        std::uint32_t number;
    };
    const auto before = [](const auto& a, const auto& b) { return a.base < b.base; };
    std::vector<by_entry> entry_waiters;
    std::vector<by_id> id_waiters;
    const auto waits_for_entry = [this](std::uint32_t number) {
        return index_.at(number).kind == pack_entry_kind::offset_delta;
    };
    const auto for_entries = std::count_if(waiting_.begin(), waiting_.end(), waits_for_entry);
    entry_waiters.reserve(static_cast<std::size_t>(for_entries));
    id_waiters.reserve(waiting_.size() - static_cast<std::size_t>(for_entries));
    for (const std::uint32_t number : waiting_) {
        const object_record& record = index_.at(number);
        if (record.kind == pack_entry_kind::offset_delta)
            entry_waiters.push_back({record.base, number});
        else
            id_waiters.push_back({record.id, number});
    }
    std::sort(entry_waiters.begin(), entry_waiters.end(), before);
    std::sort(id_waiters.begin(), id_waiters.end(), before);

    // Each base enters once: a sender may make thousands of deltas wait for one.
    std::vector<std::uint32_t> ready;
    const auto enter = [&](std::uint32_t base) {
        if (ready.empty() || ready.back() != base) ready.push_back(base);
    };
    for (const by_entry& waiter : entry_waiters)
        if (index_.at(waiter.base).state != object_state::waiting) enter(waiter.base);
    for (const by_id& waiter : id_waiters)
        if (const auto base = index_.find(waiter.base)) enter(*base);

    std::size_t resolved = 0;
    const auto apply_all = [&](const auto& waiters, const auto& key, std::uint32_t base) -> error_code {
        auto at =
            std::lower_bound(waiters.begin(), waiters.end(), key,
                             [](const auto& waiter, const auto& wanted) { return waiter.base < wanted; });
        for (; at != waiters.end() && at->base == key; ++at) {
            if (index_.at(at->number).state != object_state::waiting) continue;
            if (const error_code error = apply_waiting(at->number, base)) {
                problem_entry_ = at->number;
                return error;
            }
            ++resolved;
            ready.push_back(at->number);
        }
        return {};
    };
    while (!ready.empty()) {
        const std::uint32_t base = ready.back();
        ready.pop_back();
        if (const error_code error = apply_all(entry_waiters, base, base)) return error;
        // A delta that names the id of a duplicate is served by the object that holds the content.
        if (index_.at(base).state != object_state::present) continue;
        const object_id id = index_.at(base).id;
        if (const error_code error = apply_all(id_waiters, id, base)) return error;
    }
    if (resolved == waiting_.size()) return {};
    problem_entry_ = *std::find_if(waiting_.begin(), waiting_.end(), [this](std::uint32_t number) {
        return index_.at(number).state == object_state::waiting;
    });
    return fail(errc::pack_missing_base, "delta whose base never came");
}

error_code object_store::apply_waiting(std::uint32_t number, std::uint32_t base)
{
    const std::uint64_t offset = index_.at(number).position;
    const std::uint64_t size = index_.at(number).size;
    if (const error_code error = begin_applying(number, base)) return error;
    mode_ = mode::applying;
    const auto piece_buffer = std::make_unique_for_overwrite<byte[]>(buffer_bytes);
    for (std::uint64_t done = 0; done < size;) {
        const auto piece = static_cast<std::size_t>(std::min<std::uint64_t>(size - done, buffer_bytes));
        const mutable_bytes bytes(piece_buffer.get(), piece);
        if (const error_code error = spool_.read_at(offset + done, bytes)) return error;
        if (const error_code error = content(bytes)) return error;
        done += piece;
    }
    return end();
}

// ---- the object under way

error_code object_store::begin_object(pack_entry_kind kind, std::uint64_t size)
{
    if (kind == pack_entry_kind::directory && size / longest_tree_entry_bytes > limits_.max_entries)
        return errc::too_many_entries;
    if (const error_code error = claim(size)) return error;
    kind_ = kind;
    buffered_ = 0;
    hasher_.begin(kind, size);
    hashed_elsewhere_ = false;
    object_record& record = index_.at(current_);
    record.size = size;
    if (kind == pack_entry_kind::file) return begin_file(record);
    if (const error_code error = open_spool()) return error;
    record.position = spool_.size();
    return {};
}

error_code object_store::begin_file(object_record& record)
{
    if (holding_ && record.size <= small_file_cache::longest_bytes) {
        auto position = held_.hold(current_, record.size);
        if (!position) {
            if (const error_code error = stage_all_held()) return error;
            position = held_.hold(current_, record.size);
        }
        record.held = true;
        record.position = *position;
        return {};
    }
    auto made = directory_->make_file(staged_name(current_));
    if (!made) return made.error();
    file_ = std::move(*made);
    return {};
}

error_code object_store::append(bytes_view bytes)
{
    if (index_.at(current_).held) return append_held(bytes);
    if (buffered_ == 0 && bytes.size() >= buffer_bytes / 2) return write_through(bytes);
    while (!bytes.empty()) {
        const std::size_t piece = std::min(bytes.size(), buffer_bytes - buffered_);
        std::copy_n(bytes.begin(), piece, buffer_.get() + buffered_);
        buffered_ += piece;
        bytes = bytes.subspan(piece);
        if (buffered_ == buffer_bytes)
            if (const error_code error = flush()) return error;
    }
    return {};
}

error_code object_store::flush()
{
    const bytes_view bytes(buffer_.get(), buffered_);
    buffered_ = 0;
    return bytes.empty() ? error_code() : write_through(bytes);
}

error_code object_store::write_through(bytes_view bytes)
{
    if (!hashed_elsewhere_) hasher_.update(bytes);
    if (kind_ != pack_entry_kind::file) return spool_.append(bytes);
    file_bytes_written_ += bytes.size();
    return file_.append_sparse(bytes);
}

error_code object_store::append_held(bytes_view bytes)
{
    const object_record& record = index_.at(current_);
    if (bytes.size() > record.size - buffered_) return errc::pack_size_mismatch;
    if (!hashed_elsewhere_) hasher_.update(bytes);
    std::copy(bytes.begin(), bytes.end(), held_.at(record.position) + buffered_);
    buffered_ += bytes.size();
    file_bytes_written_ += bytes.size();
    return {};
}

error_code object_store::end_object()
{
    object_record& record = index_.at(current_);
    if (!record.held) {
        if (const error_code error = flush()) return error;
        if (const error_code error = file_.end_holes()) return error;
    }
    record.kind = kind_;
    record.id = hasher_.finish();
    record.base = 0;
    index_.settle(current_);
    if (kind_ == pack_entry_kind::file)
        if (const error_code error = file_.close()) return error;
    if (record.state != object_state::duplicate) {
        kept_bytes_ += record.size;
        return {};
    }
    if (const error_code error = count_repeated(record.size)) return error;
    if (kind_ != pack_entry_kind::file) return {};
    budget_.release(record.size);
    if (!record.held) return directory_->remove_file(staged_name(current_));
    release_held(record);
    return {};
}

error_code object_store::count_repeated(std::uint64_t bytes)
{
    repeated_bytes_ += bytes;
    const std::uint64_t packed = index_.at(index_.size() - 1).offset; // at least so much has arrived
    if (repeated_bytes_ <= repeated_at_least) return {};
    const std::uint64_t more = repeated_bytes_ - repeated_at_least;
    if (more / repeated_per_kept <= kept_bytes_) return {};
    if ((more - repeated_per_kept * kept_bytes_) / repeated_per_packed <= packed) return {};
    return fail(errc::document_too_large, "makes the same content again and again");
}

error_code object_store::open_spool()
{
    if (spool_) return {};
    auto made = directory_->make_file(spool_name);
    if (!made) return made.error();
    spool_ = std::move(*made);
    return {};
}

error_code object_store::open_base(std::uint32_t number)
{
    if (base_ == number) return {};
    base_ = nothing;
    window_filled_ = 0;
    base_file_ = {};
    if (index_.at(number).kind == pack_entry_kind::file) {
        auto opened = open_file(number);
        if (!opened) return opened.error();
        base_file_ = std::move(*opened);
    }
    base_ = number;
    return {};
}

error_code object_store::read_base(std::uint64_t offset, mutable_bytes out) const
{
    if (index_.at(base_).kind == pack_entry_kind::file) return base_file_.read_at(offset, out);
    return read_directory(base_, offset, out);
}

error_code object_store::read_directory(std::uint32_t number, std::uint64_t offset, mutable_bytes out) const
{
    return spool_.read_at(index_.at(number).position + offset, out);
}

// ---- files that are held, and folders

void object_store::release_held(object_record& record) noexcept
{
    record.held = false;
    held_.release();
}

error_code object_store::write_held(object_record& record, const guarded_directory& where,
                                    std::string_view name)
{
    auto made = where.make_file(name);
    if (!made) return made.error();
    const bytes_view content(held_.at(record.position), static_cast<std::size_t>(record.size));
    if (const error_code error = made->append(content)) return error;
    if (const error_code error = made->close()) return error;
    release_held(record);
    return {};
}

error_code object_store::stage_held(std::uint32_t number)
{
    object_record& record = index_.at(number);
    return record.held ? write_held(record, *directory_, staged_name(number)) : error_code();
}

error_code object_store::stage_all_held()
{
    // The list is cleared when the last of them is written.
    for (std::size_t i = 0; i < held_.numbers().size(); ++i)
        if (const error_code error = stage_held(held_.numbers()[i])) return error;
    return {};
}

result<guarded_file> object_store::open_file(std::uint32_t number)
{
    if (const error_code error = stage_held(number)) return error;
    if (!in_folder(number)) return directory_->open_file(staged_name(number));
    const object_record& record = index_.at(number);
    tree_parser parser;
    if (const error_code error = read_folder_entry(record, parser)) return error;
    const auto folder = directory_->open_directory(staged_name(record.base));
    if (!folder) return folder.error();
    return folder->open_file(parser.entry().name);
}

// Reads the entry that names the file in its folder. It was complete and safe when the file was put there.
error_code object_store::read_folder_entry(const object_record& file, tree_parser& parser) const
{
    const object_record& folder = index_.at(file.base);
    std::array<byte, longest_tree_entry_bytes> buffer;
    const std::uint64_t left = folder.size - (file.position - folder.position);
    const auto piece = static_cast<std::size_t>(std::min<std::uint64_t>(left, buffer.size()));
    if (const error_code error = spool_.read_at(file.position, {buffer.data(), piece})) return error;
    bytes_view in(buffer.data(), piece);
    return parser.next(in) == tree_parser::status::entry ? error_code() : errc::pack_bad_tree;
}

result<guarded_directory> object_store::make_folder(std::uint32_t number)
{
    auto made = directory_->make_directory(staged_name(number));
    index_.at(number).placed = static_cast<bool>(made);
    return made;
}

error_code object_store::put_in_folder(std::uint32_t number, const guarded_directory& folder,
                                       std::uint32_t of, std::uint64_t offset, std::string_view name)
{
    object_record& record = index_.at(number);
    if (const error_code error = write_held(record, folder, name)) return error;
    record.base = of;
    record.position = index_.at(of).position + offset;
    return {};
}

bool object_store::in_folder(std::uint32_t number) const noexcept
{
    const object_record& record = index_.at(number);
    return record.state == object_state::present && record.kind == pack_entry_kind::file && record.base != 0;
}

error_code object_store::take_from_folder(std::uint32_t number)
{
    object_record& record = index_.at(number);
    tree_parser parser;
    if (const error_code error = read_folder_entry(record, parser)) return error;
    const auto folder = directory_->open_directory(staged_name(record.base));
    if (!folder) return folder.error();
    if (const error_code error = folder->move(parser.entry().name, *directory_, staged_name(number)))
        return error;
    record.base = 0;
    return {};
}

error_code object_store::place_folder(std::uint32_t number, const guarded_directory& where,
                                      std::string_view name)
{
    return directory_->move(staged_name(number), where, name);
}

error_code object_store::place_file(std::uint32_t number, const guarded_directory& where,
                                    std::string_view name, bool again)
{
    object_record& record = index_.at(number);
    if (record.held && !again) return write_held(record, where, name);
    if (const error_code error = stage_held(number)) return error;
    const std::string staged = staged_name(number);
    if (!again) return directory_->move(staged, where, name);
    if (!record.placed) {
        record.placed = true;
        if (!directory_->link(staged, where, name)) return {};
        // No hard links here: copy the file, which also reports a real error.
    }
    if (const error_code error = claim(record.size)) return error;
    const auto from = directory_->open_file(staged);
    if (!from) return from.error();
    auto to = where.make_file(name);
    if (!to) return to.error();
    if (const error_code error = to->append_copy(*from, record.size)) return error;
    return to->close();
}

} // namespace parley
