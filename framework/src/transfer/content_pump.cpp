#include "transfer/content_pump.hpp"

#include <parley/payload/randomness.hpp>

#include <parley/async/spawn.hpp>

#include <algorithm>

namespace parley::detail {
namespace {

constexpr std::size_t raw_bytes = 256 * 1024;
constexpr std::size_t min_space_bytes = 64 * 1024;     // of a block, for one more read
constexpr std::size_t max_steps_in_block = 2048;       // of small files
constexpr std::uint64_t min_encoded_bytes = 512;       // smaller files do not get smaller
constexpr std::uint64_t min_threaded_bytes = 8u << 20; // smaller files are encoded on this thread
constexpr std::uint64_t max_content_in_step = 8u << 20;

} // namespace

content_pump::content_pump(const executor& home, executor away, content_source& source,
                           std::shared_ptr<const document_outline> document,
                           std::vector<accepted_part> accepted, hashed_prefix& hashed, options chosen,
                           std::function<void()> on_ready)
    : source_(source),
      document_(std::move(document)),
      accepted_(std::move(accepted)),
      hashed_(hashed),
      options_(chosen),
      on_ready_(std::move(on_ready)),
      away_(home, std::move(away))
{
    source_.resume();
    for (block& b : blocks_) {
        b.space = make_page_buffer(block_bytes);
        submit(b);
    }
}

content_pump::~content_pump()
{
    source_.stop();
}

content_pump::block* content_pump::current() noexcept
{
    block& b = blocks_[current_];
    return b.ready ? &b : nullptr;
}

void content_pump::release()
{
    submit(blocks_[current_]);
    current_ = (current_ + 1) % blocks;
}

void content_pump::submit(block& b)
{
    b.ready = false;
    b.used = 0;
    b.steps.clear();
    const auto work = [this, &b] {
        try {
            fill(b);
        } catch (...) { // memory has run out: nothing else throws there
            report_exception("content_pump", std::current_exception());
            fail(b, make_error_code(boost::system::errc::not_enough_memory));
        }
    };
    away_.submit(work, [this, &b] {
        b.ready = true;
        on_ready_();
    });
}

void content_pump::fill(block& b)
{
    while (!failed_ && block_bytes - b.used >= min_space_bytes && b.steps.size() < max_steps_in_block) {
        if (!open_ && !open_next(b)) break;
        if (!open_) continue;
        const bool more = encoding_ == content_encoding::plain ? read_plain(b) : read_encoded(b);
        // A stream may rest after this.
        if (more && file_left_ == unknown_size) break;
    }
    b.last = ended_ || failed_;
}

// Opens the next file that is to be sent. False at the end.
bool content_pump::open_next(block& b)
{
    const entry_list& entries = document_->entries();
    while (next_entry_ < entries.size() && entries.at(next_entry_).kind != entry_kind::file) ++next_entry_;
    if (next_entry_ == entries.size()) {
        ended_ = true;
        return false;
    }
    const std::uint64_t size = entries.at(next_entry_).size;
    step opening;
    std::uint64_t offset = 0;
    if (next_accepted_ < accepted_.size() && accepted_[next_accepted_].entry == next_entry_) {
        const accepted_part& part = accepted_[next_accepted_++];
        opening.compares = true;
        opening.own = hash_prefix(next_entry_, part.offset);
        if (opening.own == part.digest) offset = part.offset;
        if (offset == size) {
            b.steps.push_back(std::move(opening));
            ++next_entry_;
            return true;
        }
    }
    if (const error_code error = source_.open(next_entry_, offset)) {
        fail(b, error);
        return false;
    }
    open_ = true;
    file_left_ = size == unknown_size ? unknown_size : size - offset;
    b.steps.push_back(std::move(opening));
    begin_content(b);
    return !failed_;
}

// Decides how the open file travels, by its first bytes.
void content_pump::begin_content(block& b)
{
    encoding_ = content_encoding::plain;
    raw_left_ = {};
    raw_ended_ = false;
    // A stream would have to wait for enough bytes to tell.
    if (!options_.compress || file_left_ < min_encoded_bytes || file_left_ == unknown_size) return;
    if (!raw_) raw_ = make_page_buffer(raw_bytes);
    const auto read = source_.read({raw_.get(), raw_bytes});
    if (!read) return fail(b, read.error());
    raw_left_ = {raw_.get(), *read};
    raw_ended_ = *read == 0;
    if (is_incompressible(raw_left_.first(std::min<std::size_t>(raw_left_.size(), 32 * 1024)))) return;
    const bool threaded = options_.threads > 0 && file_left_ >= min_threaded_bytes;
    auto& encoder = threaded ? large_ : small_;
    if (!encoder) encoder.emplace(level_.level(), threaded ? options_.threads : 0);
    encoder_ = &*encoder;
    encoder_->set_level(level_.level());
    if (const error_code error = encoder_->begin(file_left_)) return fail(b, error);
    encoding_ = content_encoding::zstd;
    b.steps.back().encoding = encoding_;
}

// Adds what one read gives. False at the end of the file.
bool content_pump::read_plain(block& b)
{
    const mutable_bytes space = space_of(b);
    std::size_t size = 0;
    if (!raw_left_.empty()) {
        size = std::min(raw_left_.size(), space.size());
        std::copy_n(raw_left_.begin(), size, space.begin());
        raw_left_ = raw_left_.subspan(size);
    } else if (!raw_ended_ && file_left_ != 0) {
        const auto read = source_.read(space);
        if (!read) {
            fail(b, read.error());
            return false;
        }
        size = *read;
    }
    if (size == 0) return finish_file(b);
    step data;
    data.what = step::kind::data;
    data.bytes = {space.data(), size};
    data.content = size;
    b.used += size;
    if (file_left_ != unknown_size) file_left_ -= std::min<std::uint64_t>(size, file_left_);
    b.steps.push_back(std::move(data));
    return true;
}

// Encodes what fits. False at the end of the file.
bool content_pump::read_encoded(block& b)
{
    step data;
    data.what = step::kind::data;
    const std::size_t begin = b.used;
    bool complete = false;
    while (!complete && block_bytes - b.used >= min_space_bytes / 2) {
        if (raw_left_.empty() && !raw_ended_) {
            const auto read = source_.read({raw_.get(), raw_bytes});
            if (!read) {
                fail(b, read.error());
                return false;
            }
            raw_left_ = {raw_.get(), *read};
            raw_ended_ = *read == 0;
            level_.on_read(starving_.load(std::memory_order_relaxed));
            encoder_->set_level(level_.level());
        }
        const mutable_bytes space = space_of(b);
        if (raw_ended_) {
            const auto ending = encoder_->finish(space);
            if (!ending) {
                fail(b, errc::document_changed); // it has fewer bytes than were said
                return false;
            }
            b.used += ending->made;
            complete = ending->complete;
        } else {
            const std::size_t before = raw_left_.size();
            const auto made = encoder_->encode(raw_left_, space);
            if (!made) {
                fail(b, errc::document_changed); // it has more
                return false;
            }
            b.used += *made;
            data.content += before - raw_left_.size();
            if (data.content >= max_content_in_step) break; // it gets much smaller; others wait for a turn
        }
    }
    data.bytes = {b.space.get() + begin, b.used - begin};
    file_left_ -= std::min(data.content, file_left_);
    if (data.content != 0 || !data.bytes.empty()) b.steps.push_back(std::move(data));
    return complete ? finish_file(b) : true;
}

bool content_pump::finish_file(block& b)
{
    open_ = false;
    ++next_entry_;
    if (const error_code error = source_.close()) {
        fail(b, error);
        return false;
    }
    step end;
    end.what = step::kind::end;
    b.steps.push_back(std::move(end));
    return false;
}

void content_pump::fail(block& b, error_code why)
{
    failed_ = b.last = true;
    step failing;
    failing.what = step::kind::failed;
    failing.error = why;
    failing.fault = source_.fault();
    if (failing.fault.text.empty()) failing.fault = {session_reason::file_failed, why.message()};
    b.steps.push_back(std::move(failing));
}

// The digest of this side's own first `size` bytes of a file; nothing where it has fewer.
std::optional<blake2b_256_digest> content_pump::hash_prefix(std::uint32_t entry, std::uint64_t size)
{
    if (hashed_.entry != entry || hashed_.offset > size) hashed_ = {};
    hashed_.entry = entry;
    if (hashed_.offset < size) {
        if (source_.open(entry, hashed_.offset)) return std::nullopt;
        if (!raw_) raw_ = make_page_buffer(raw_bytes);
        while (hashed_.offset < size) {
            const std::size_t wanted = std::min<std::uint64_t>(raw_bytes, size - hashed_.offset);
            const auto read = source_.read({raw_.get(), wanted});
            if (!read || *read == 0) return std::nullopt;
            hashed_.hash.update({raw_.get(), *read});
            hashed_.offset += *read;
        }
    }
    return hashed_.hash.digest();
}

} // namespace parley::detail
