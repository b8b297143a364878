// What the sender's and the receiver's actors of one session have in common. Private to the framework.
#pragma once

#include "session/session_steps.hpp"
#include "stream/all_at_once.hpp"

#include <parley/async/event.hpp>
#include <parley/async/spawn.hpp>
#include <parley/async/watchdog.hpp>
#include <parley/proto/document_fault.hpp>
#include <parley/stream/secure_stream.hpp>

namespace parley::detail {

// How one session of a document ended.
struct session_end {
    error_code error;                      // unset: the document is stored
    std::optional<document_ending> ending; // what one side said when it gave up
    std::string problem;                   // of the session, in words that are safe to print
    std::uint64_t content = 0;             // bytes that have passed, before compression
    bool moved = false;                    // content has passed
    // Only such a session is continued (SESSION2.md section 9).
    bool is_broken() const { return error == condition::transport; }
};

// Makes what one side said safe to print. Quotation marks around names stay.
inline std::string printable(std::string_view said)
{
    constexpr std::string_view quote = "\\x22"; // a backslash in `said` is escaped itself
    std::string out = escaped(said);
    for (std::size_t at = out.find(quote); at != std::string::npos; at = out.find(quote, at + 1))
        out.replace(at, quote.size(), 1, '"');
    return out;
}

// The failure of a session, with what one side said.
inline operation_error failure_of(const session_end& end, std::string where)
{
    std::string detail = end.ending ? printable(end.ending->text) : end.problem;
    return failure(end.error, session_phase::transferring, std::move(where), std::move(detail));
}

// Carries bytes between the machine of a document and its stream. `Machine` is document_sender_machine or
// document_receiver_machine; the derived class handles its events.
template <class Machine>
class document_session {
protected:
    document_session(const executor& ex, secure_stream& stream, time_source& time, Machine machine)
        : executor_(ex),
          stream_(stream),
          time_(time),
          machine_(std::move(machine)),
          changed_(ex),
          reading_ended_(ex, event_reset::manual)
    {
    }

    void tell_time() { machine_.expire(time_.now()); }

    // Writes what is due. False when there was nothing.
    awaitable<bool> write_output()
    {
        if (machine_.output().empty()) co_return false;
        machine_.take_output(written_);
        written_bytes_ += written_.size();
        if (stream_.failure()) co_return true;
        const asio::const_buffer bytes{written_.data(), written_.size()};
        co_await asio::async_write(stream_, bytes, all_at_once{}, use_tuple); // the reading learns why it fails
        co_return true;
    }

    // Runs `read` beside the main coroutine. It ends with the stream. `name` identifies it in a report.
    template <class Read>
    void start_reading(Read read, std::string_view name)
    {
        asio::co_spawn(executor_, std::move(read), [this, name](std::exception_ptr thrown) {
            report_exception(name, thrown);
            if (thrown) machine_.stop(make_error_code(boost::system::errc::not_enough_memory));
            reading_ended_.signal();
            changed_.signal();
        });
    }

    void on_read_error(error_code error)
    {
        tell_time();
        if (error == asio::error::eof)
            machine_.receive_end();
        else if (error == asio::error::operation_aborted)
            machine_.stop(errc::cancelled);
        else
            machine_.stop(error);
        changed_.signal();
    }

    // After the machine has finished and its output is written. Returns when the reading has ended.
    awaitable<session_end> wind_up()
    {
        constexpr duration patience =
            std::chrono::seconds{10}; // more than the session itself takes to give up
        session_end out;
        out.error = machine_.error();
        out.ending = machine_.ending();
        watchdog bound{stream_, patience, time_};
        if (machine_.aborts()) {
            stream_.abort(session_reason::cancelled, {}, out.error);
        } else if (out.error && out.ending && !out.ending->by_peer) {
            stream_.end_and_discard(out.error);
        } else if (!out.error || out.ending) {
            co_await stream_.async_shutdown_send(use_tuple);
        }
        co_await stream_.async_wait_finished(use_tuple);
        out.problem = stream_.problem();
        if (const auto& abort = stream_.peer_abort(); abort && !out.ending)
            out.ending = document_ending{abort->reason, abort->text, true};
        stream_.close();
        co_await reading_ended_.wait();
        co_return out;
    }

    executor executor_;
    secure_stream& stream_;
    time_source& time_;
    Machine machine_;
    event changed_; // anything that the main coroutine waits for
    event reading_ended_;
    byte_vector written_; // what is being written
    std::uint64_t written_bytes_ = 0;
};

} // namespace parley::detail
