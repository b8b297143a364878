#include "transfer/sender_session.hpp"

#include "async/deadline_timer.hpp"

#include <parley/async/spawn.hpp>

namespace parley::detail {
namespace {

constexpr std::size_t enough_output_bytes = 256 * 1024;
constexpr std::size_t answer_bytes = 64 * 1024;

} // namespace

sender_session::sender_session(const executor& ex, secure_stream& stream, sending_run& run,
                               sending_receiver& receiver)
    : document_session(
          ex, stream, run.time,
          document_sender_machine{run.time.now(), run.document, document_sender_options{receiver.was_sent}}),
      run_(run),
      receiver_(receiver)
{
}

awaitable<session_end> sender_session::run()
{
    deadline_timer timer{executor_, time_, [this] { changed_.signal(); }};
    start_reading([this] { return read(); }, "sender_session");
    for (;;) {
        tell_time();
        // A write that was cancelled may have written a part: nothing may follow it.
        const bool cancelled = co_await is_cancelled();
        if (cancelled) machine_.stop(errc::cancelled);
        handle_events();
        const bool wrote = co_await write_output();
        if (wrote) continue;
        if (machine_.finished()) break;
        if (!stream_.failure() && feed()) continue; // after a failure the reading ends it
        if (content_)
            content_->set_starving(path_.is_fast(written_bytes_, stream_.delivery(), stream_.peer_window()));
        timer.arm(machine_.next_deadline());
        co_await changed_.wait_or_cancelled();
    }
    receiver_.was_sent = receiver_.was_sent || machine_.is_sent();
    content_.reset();
    auto end = co_await wind_up();
    end.content = machine_.content_bytes();
    end.moved = end.content != 0;
    co_return end;
}

awaitable<void> sender_session::read()
{
    const page_buffer space = make_page_buffer(answer_bytes);
    for (;;) {
        const auto read =
            co_await stream_.async_read_some(asio::buffer(space.get(), answer_bytes), use_tuple);
        const auto [error, size] = read;
        if (error) {
            on_read_error(error);
            co_return;
        }
        tell_time();
        bytes_view input{space.get(), size};
        while (!input.empty() && !machine_.finished()) machine_.receive(input);
        changed_.signal();
    }
}

void sender_session::handle_events()
{
    while (const auto event = machine_.next_event()) {
        if (std::holds_alternative<document_sender_event::accepted>(*event)) {
            const auto parts = machine_.accepted();
            content_.emplace(executor_, run_.blocking, run_.source, run_.document,
                             std::vector<accepted_part>(parts.begin(), parts.end()), receiver_.hashed,
                             run_.pumping, [this] { changed_.signal(); });
            run_.observer.accepted();
        } else if (const auto* progress = std::get_if<document_sender_event::progress>(&*event)) {
            transfer_progress now;
            now.content_bytes = progress->bytes;
            now.stream_bytes = machine_.content_bytes();
            const std::uint64_t total = run_.document->offer().bytes;
            if (total != unknown_size) now.total_content_bytes = total;
            run_.observer.progress(now);
        }
    }
}

// Gives content to the machine. False when there is none.
bool sender_session::feed()
{
    if (!content_) return false;
    bool moved = false;
    while (machine_.output().size() < enough_output_bytes && !machine_.finished()) {
        content_pump::block* const block = content_->current();
        if (block == nullptr) break;
        if (step_ == block->steps.size()) {
            if (block->last) break; // the machine waits for `stored`
            step_ = 0;
            content_->release();
            continue;
        }
        content_->set_starving(false);
        moved = true;
        take_step(block->steps[step_++]);
        handle_events();
    }
    return moved;
}

// The pump and the machine go through the files in the same order.
void sender_session::take_step(const content_pump::step& s)
{
    using kind = content_pump::step::kind;
    switch (s.what) {
    case kind::open: {
        document_sender_machine::file_start start;
        if (s.compares) start = machine_.match_prefix(s.own);
        if (!start.left_out) machine_.begin_file(s.encoding);
        break;
    }
    case kind::data:
        machine_.data(s.bytes, s.content);
        break;
    case kind::end:
        machine_.end_file();
        break;
    case kind::failed:
        machine_.fail(s.fault, s.error);
        break;
    }
}

} // namespace parley::detail
