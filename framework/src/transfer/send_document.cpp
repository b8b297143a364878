#include <parley/async/event.hpp>
#include <parley/async/spawn.hpp>
#include <parley/async/watchdog.hpp>
#include <parley/proto/record_stream.hpp>
#include <parley/transfer/send_document.hpp>

#include "transfer/document_read_ahead.hpp"
#include "transfer/pack_transfer.hpp"
#include "transfer/path_estimator.hpp"

#include <boost/asio/this_coro.hpp>

namespace parley {
namespace {

using namespace detail;

// Sends one document of version 1, from the entered room to the receiver's end.
class sending {
public:
    sending(executor ex, document_source& source, send_options options, peer_observer& observer)
        : executor_(std::move(ex)), source_(source), options_(std::move(options)), observer_(observer)
    {
    }

    awaitable<operation_result<send_report>> run(entered_room entered);

private:
    awaitable<operation_error> transfer(session_keys& keys);
    awaitable<void> pump();
    awaitable<error_code> write_all(bytes_view bytes);
    awaitable<void> watch();
    void watch_idleness();
    void watch_finish();
    error_code take_from_receiver(bytes_view bytes);
    bool has_arrived() const noexcept;
    operation_error outcome() const;

    executor executor_;
    document_source& source_;
    send_options options_;
    peer_observer& observer_;

    send_report report_;
    any_stream room_;
    std::optional<record_writer> writer_;
    std::optional<document_read_ahead> document_;
    path_estimator path_;
    std::optional<watchdog> idle_;
    std::uint64_t acknowledged_ = 0; // bytes, at the last idle check
    bool timed_out_ = false;
    bool all_written_ = false;                  // the trailer is written
    std::optional<delivery_counts> at_trailer_; // the counts at that moment
    operation_error pump_error_;                // the error that ended the writing
    bool ended_in_order_ = false;               // the receiver has ended in order
    std::optional<delivery_counts> at_end_;     // the counts at that moment
    error_code watch_error_;                    // the error that ended the watching
    std::size_t end_bytes_ = 0;                 // received bytes of the end record
};

awaitable<operation_result<send_report>> sending::run(entered_room entered)
{
    room_ = std::move(entered.stream);
    report_.self = entered.agreed.self;
    report_.peer = entered.agreed.peer;
    const time_point started = clock::now();
    auto failed = co_await transfer(entered.agreed.keys);
    report_.transfer_time = clock::now() - started;
    if (failed.code) co_return std::move(failed);
    co_return report_;
}

// The writing runs as its own coroutine. This one reads, so it notices at once when the receiver leaves. Each
// ends the other by closing the stream.
awaitable<operation_error> sending::transfer(session_keys& keys)
{
    auto writer = record_writer::create(options_.cipher0(), options_.layout(), keys.k0);
    keys = {};
    if (!writer) co_return failure(writer.error(), session_phase::transferring, "the records' layout");
    writer_.emplace(std::move(*writer));
    document_.emplace(executor_, options_.blocking(), source_);
    watch_idleness();

    event pump_ended{executor_, event_reset::manual};
    asio::co_spawn(
        executor_, [this] { return pump(); },
        [this, &pump_ended](std::exception_ptr thrown) {
            if (thrown) { // out of memory: nothing else throws there
                report_exception("send_document", thrown);
                pump_error_ = failure(make_error_code(boost::system::errc::not_enough_memory),
                                      session_phase::transferring, "sending");
                room_.close();
            }
            pump_ended.signal();
        });
    co_await watch();
    // The last write may have completed without its handler having run yet.
    if (ended_in_order_ && !all_written_) co_await yield(executor_);
    const bool cancelled = co_await is_cancelled();

    operation_error result = outcome(); // a success before the cancellation stays a success
    if (result.code && cancelled) result = failure(errc::cancelled, session_phase::transferring, "sending");
    room_.close();
    source_.stop(); // the writing may wait for a slow disk
    co_await pump_ended.wait();
    document_.reset();
    co_return result;
}

// A slow path may buffer so much that a write waits longer than the timeout while bytes still reach the other
// end.
void sending::watch_idleness()
{
    idle_.emplace(executor_, options_.idle_timeout(), [this] {
        const auto now = room_.delivery();
        if (document_->is_waiting()) { // a slow disk is not a silent peer
            watch_idleness();
        } else if (now && now->acknowledged > acknowledged_) {
            acknowledged_ = now->acknowledged;
            watch_idleness();
        } else {
            timed_out_ = true;
            room_.close();
        }
    });
}

void sending::watch_finish()
{
    idle_.emplace(executor_, options_.finish_timeout(), [this] {
        timed_out_ = true;
        room_.close();
    });
}

// Whether the transport had acknowledged the trailer when the receiver ended. Some transports cannot tell.
bool sending::has_arrived() const noexcept
{
    if (!all_written_) return false;
    return !at_trailer_ || !at_end_ || at_end_->acknowledged >= at_trailer_->written;
}

operation_error sending::outcome() const
{
    const session_phase phase = all_written_ ? session_phase::finishing : session_phase::transferring;
    const std::string where = (all_written_ ? "waiting for " : "sending to ") +
                              std::string{report_.peer.text()} +
                              (all_written_ ? " to store the document" : "");
    if (ended_in_order_) return has_arrived() ? operation_error{} : failure(errc::unconfirmed, phase, where);
    if (timed_out_) return failure(errc::timed_out, phase, where);
    if (pump_error_.code) return pump_error_;
    return failure(as_peer_disconnected(watch_error_), phase, where);
}

awaitable<void> sending::pump()
{
    constexpr std::size_t most = record_writer::sealed_bytes(document_read_ahead::piece_bytes);
    const auto records = std::make_unique_for_overwrite<byte[]>(most);
    const std::string where = "sending to " + std::string{report_.peer.text()};
    transfer_progress progress;

    while (room_.is_open()) {
        // Whether to trade compression for speed.
        const bool prefer_speed = path_.is_fast(report_.stream_bytes, room_.delivery(), room_.peer_window());
        const auto piece = co_await document_->next(prefer_speed);
        idle_->kick();
        if (piece.error) {
            pump_error_ =
                failure(piece.error, session_phase::transferring, "reading the document", piece.error_detail);
            break;
        }
        const auto sealed = writer_->write(piece.bytes, {records.get(), most});
        if (!sealed) {
            pump_error_ = failure(sealed.error(), session_phase::transferring, where);
            break;
        }
        const error_code error = co_await write_all({records.get(), *sealed});
        if (error) {
            // A close by this side aborted the write; the reason is recorded elsewhere.
            if (error != asio::error::operation_aborted)
                pump_error_ = failure(as_peer_disconnected(error), session_phase::transferring, where);
            break;
        }
        report_.stream_bytes += piece.bytes.size();
        report_.content_bytes = piece.content_bytes;
        progress.stream_bytes = report_.stream_bytes;
        progress.content_bytes = report_.content_bytes;
        progress.total_content_bytes = piece.total_content_bytes;
        observer_.progress(progress);
        if (piece.last) {
            all_written_ = true;
            at_trailer_ = room_.delivery();
            watch_finish();
            observer_.finishing();
            co_return;
        }
    }
    room_.close();
}

awaitable<error_code> sending::write_all(bytes_view bytes)
{
    while (!bytes.empty()) {
        const asio::const_buffer buffer{bytes.data(), bytes.size()};
        const auto written = co_await room_.async_write_some(buffer, use_tuple);
        const auto [error, size] = written;
        if (error) co_return error;
        idle_->kick();
        bytes = bytes.subspan(size);
    }
    co_return error_code{};
}

// Reads until the receiver ends. It sends nothing else. Some relays write an end record when one side
// has left; it counts as the stream's end.
awaitable<void> sending::watch()
{
    std::array<byte, 16> bytes;
    while (!watch_error_ && end_bytes_ < record_end_bytes.size()) {
        const auto read = co_await room_.async_read_some(asio::buffer(bytes), use_tuple);
        const auto [error, size] = read;
        if (error == asio::error::eof && end_bytes_ == 0 && !room_.was_reset()) break;
        watch_error_ = error ? error : take_from_receiver({bytes.data(), size});
    }
    ended_in_order_ = !watch_error_;
    if (ended_in_order_) at_end_ = room_.delivery();
}

error_code sending::take_from_receiver(bytes_view bytes)
{
    for (const byte b : bytes) {
        if (end_bytes_ == record_end_bytes.size()) break;
        if (b != record_end_bytes[end_bytes_]) return errc::unexpected_packet;
        ++end_bytes_;
    }
    return {};
}

} // namespace

namespace detail {

awaitable<operation_result<send_report>> send_pack(entered_room entered, document_source& source,
                                                   const send_options& options, peer_observer& observer)
{
    const executor ex = co_await asio::this_coro::executor;
    sending work{ex, source, options, observer};
    auto outcome = co_await work.run(std::move(entered));
    co_return std::move(outcome);
}

public_parameters parameters_of(const send_options& options)
{
    public_parameters out;
    out.iterations = options.iterations();
    out.cipher0 = options.cipher0();
    out.cipher1 = options.cipher1();
    return out;
}

operation_error check_layout(const send_options& options)
{
    const spoke_key probe;
    const auto possible = record_writer::create(options.cipher0(), options.layout(), probe);
    if (!possible) return failure(possible.error(), session_phase::preparing, "the records' layout");
    return {};
}

} // namespace detail

awaitable<operation_result<send_report>> send_document(secret_bytes password, document_source& source,
                                                       send_options options, peer_observer& observer)
{
    // After a cancellation the steps still close what they have opened, so no exception may interrupt them.
    const bool throws = co_await asio::this_coro::throw_if_cancelled();
    co_await asio::this_coro::throw_if_cancelled(false);
    const executor ex = co_await asio::this_coro::executor;
    co_await yield(ex);
    // Reject a layout that the cipher cannot write before the peers meet.
    const operation_error impossible = check_layout(options);
    if (impossible.code) co_return impossible;
    rendezvous meeting{options, observer};
    auto entered = co_await meeting.offer(std::move(password), parameters_of(options));
    operation_result<send_report> outcome = failure(errc::cancelled, session_phase::transferring, "sending");
    const bool cancelled = co_await is_cancelled();
    if (!entered)
        outcome = entered.error();
    else if (!cancelled)
        outcome = co_await send_pack(std::move(*entered), source, options, observer);
    co_await asio::this_coro::throw_if_cancelled(throws);
    co_return std::move(outcome);
}

} // namespace parley
