#include "transfer/write_behind.hpp"

#include <parley/async/spawn.hpp>

#include <boost/system/errc.hpp>

namespace parley::detail {

write_behind::write_behind(const executor& home, executor away, document_receiver& receiver,
                           std::function<void()> on_progress)
    : receiver_(receiver), on_progress_(std::move(on_progress)), freed_(home), away_(home, std::move(away))
{
    for (slot& s : slots_) s.bytes = make_page_buffer(piece_bytes);
}

mutable_bytes write_behind::room() noexcept
{
    slot& s = slots_[current_];
    if (s.on_its_way) return {};
    return {s.bytes.get() + s.filled, piece_bytes - s.filled};
}

void write_behind::append(std::size_t n)
{
    slot& s = slots_[current_];
    s.filled += n;
    if (piece_bytes - s.filled < max_record_content_bytes) submit();
}

void write_behind::flush()
{
    if (under_way_ == 0 && slots_[current_].filled > 0) submit();
}

void write_behind::submit()
{
    slot& s = slots_[current_];
    current_ = (current_ + 1) % pieces;
    s.on_its_way = true;
    ++under_way_;
    const auto work = [this, &s] {
        try {
            s.after = {};
            s.after.error = receiver_.write({s.bytes.get(), s.filled});
            s.after.complete = receiver_.complete();
            s.after.stream_bytes = receiver_.stream_bytes();
            s.after.content_bytes = receiver_.content_bytes_written();
            s.after.expected_content_bytes = receiver_.expected_content_bytes();
            s.after.offered_name = receiver_.offered_name();
            s.after.other_name = receiver_.other_name();
            s.after.preview = receiver_.preview();
        } catch (...) { // memory has run out
            s.thrown = std::current_exception();
        }
    };
    away_.submit(work, [this, &s] { taken(s); });
}

void write_behind::taken(slot& s)
{
    s.on_its_way = false;
    s.filled = 0;
    --under_way_;
    if (s.thrown) {
        report_exception("receive_document", std::exchange(s.thrown, nullptr));
        s.after.error = make_error_code(boost::system::errc::not_enough_memory);
    }
    // Only the first error counts; later pieces repeat it.
    if (!now_.error) now_ = s.after;
    flush();
    freed_.signal();
    on_progress_();
}

awaitable<result<received_document>> write_behind::commit()
{
    const auto work = [this] {
        try {
            stored_ = receiver_.commit();
            // What cannot get its place is kept, and error_detail() says where.
            if (!*stored_) receiver_.keep();
        } catch (...) { // memory has run out
            stored_ = make_error_code(boost::system::errc::not_enough_memory);
        }
    };
    away_.submit(work, [this] {
        committed_ = true;
        freed_.signal();
    });
    while (!committed_) co_await freed_.wait();
    co_return std::move(*stored_);
}

} // namespace parley::detail
