#include "peer/web/module/content_feed.hpp"

#include <parley/payload/randomness.hpp>

#include <boost/system/errc.hpp>

#include <algorithm>

namespace parley::web {
namespace {

constexpr std::uint32_t max_read_bytes = 256 * 1024;
constexpr std::size_t enough_output_bytes = 256 * 1024;
constexpr std::uint64_t min_encoded_bytes = 512; // smaller files do not get smaller
constexpr std::size_t sample_bytes = 32 * 1024;
constexpr int level = 3;

} // namespace

content_feed::content_feed(context& all, const offered_document& document, document_sender_machine& machine,
                           hashed_prefix& hashed, std::uint32_t reader)
    : all_(all), document_(document), machine_(machine), hashed_(hashed), reader_(reader)
{
}

std::string content_feed::path() const
{
    const std::string path = document_.outline->entries().path(entry_);
    return '"' + (path.empty() ? document_.outline->offer().name : path) + '"';
}

void content_feed::open(const document_sender_event::open_file& file)
{
    entry_ = file.entry;
    if (file.offset == 0) return begin_file(0);
    if (hashed_.entry != entry_ || hashed_.offset > file.offset) hashed_ = {};
    hashed_.entry = entry_;
    stage_ = stage::hashing;
    offset_ = hashed_.offset;
    end_ = file.offset;
    hash({});
}

bool content_feed::go_on()
{
    if (is_reading_ || stage_ == stage::idle || machine_.finished()) return false;
    if (machine_.output().size() >= enough_output_bytes) return false;
    if (offset_ == end_) { // an empty file
        machine_.begin_file(content_encoding::plain);
        end_file();
        return true;
    }
    const std::uint64_t size = std::min<std::uint64_t>(max_read_bytes, end_ - offset_);
    is_reading_ = true;
    all_.out.push(action::read{reader_, document_.items[entry_], offset_, static_cast<std::uint32_t>(size)});
    return false;
}

void content_feed::content(bytes_view bytes)
{
    if (!std::exchange(is_reading_, false) || machine_.finished()) return;
    const std::uint64_t due = std::min<std::uint64_t>(max_read_bytes, end_ - offset_);
    if (bytes.size() != due) return change();
    offset_ += bytes.size();
    switch (stage_) {
    case stage::idle:
        return;
    case stage::hashing:
        return hash(bytes);
    case stage::first_bytes:
        return begin_content(bytes);
    case stage::plain:
    case stage::encoding:
        return send(bytes);
    }
}

void content_feed::content_failed(session_reason reason)
{
    if (!std::exchange(is_reading_, false) || machine_.finished()) return;
    if (reason == session_reason::document_changed) return change();
    stage_ = stage::idle;
    machine_.fail({session_reason::file_failed, path() + " cannot be read"},
                  make_error_code(boost::system::errc::io_error));
}

void content_feed::hash(bytes_view bytes)
{
    hashed_.hash.update(bytes);
    hashed_.offset = offset_;
    if (offset_ != end_) return;
    stage_ = stage::idle;
    const auto start = machine_.match_prefix(hashed_.hash.digest());
    if (!start.left_out) begin_file(start.offset);
}

void content_feed::begin_file(std::uint64_t offset)
{
    offset_ = offset;
    end_ = document_.outline->entries().at(entry_).size;
    stage_ = stage::first_bytes;
}

// Decides how the file travels, by its first bytes.
void content_feed::begin_content(bytes_view first)
{
    const std::uint64_t size = end_ - (offset_ - first.size());
    stage_ = stage::plain;
    if (size >= min_encoded_bytes && !is_incompressible(first.first(std::min(first.size(), sample_bytes)))) {
        if (!encoder_) encoder_.emplace(level);
        if (!encoder_->begin(size)) stage_ = stage::encoding; // else memory is short
    }
    machine_.begin_file(stage_ == stage::encoding ? content_encoding::zstd : content_encoding::plain);
    send(first);
}

void content_feed::send(bytes_view bytes)
{
    if (stage_ == stage::encoding)
        encode(bytes);
    else
        machine_.data(bytes, bytes.size());
    if (offset_ == end_ && !machine_.finished()) end_file();
}

void content_feed::encode(bytes_view bytes)
{
    const std::size_t content = bytes.size();
    std::size_t used = 0;
    const auto more_space = [&] {
        constexpr std::size_t step = 64 * 1024;
        if (encoded_.size() - used < step) encoded_.resize(used + step);
        return mutable_bytes{encoded_}.subspan(used);
    };
    for (bool full = true; !bytes.empty() || full;) {
        const mutable_bytes space = more_space();
        const auto made = encoder_->encode(bytes, space);
        if (!made) return change();
        used += *made;
        full = *made == space.size();
    }
    for (bool complete = offset_ != end_; !complete;) {
        const auto ending = encoder_->finish(more_space());
        if (!ending) return change();
        used += ending->made;
        complete = ending->complete;
    }
    machine_.data(bytes_view{encoded_}.first(used), content);
}

void content_feed::end_file()
{
    stage_ = stage::idle;
    machine_.end_file(); // the next file comes as an event
}

void content_feed::change()
{
    stage_ = stage::idle;
    machine_.fail({session_reason::document_changed, path() + " has changed"}, errc::document_changed);
}

} // namespace parley::web
