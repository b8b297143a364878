#include <parley/async/event.hpp>
#include <parley/async/spawn.hpp>
#include <parley/async/watchdog.hpp>
#include <parley/proto/record_stream.hpp>
#include <parley/transfer/receive_document.hpp>

#include "async/page_buffer.hpp"
#include "transfer/pack_transfer.hpp"
#include "transfer/write_behind.hpp"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/this_coro.hpp>

#include <utility>

namespace parley {
namespace {

using namespace detail;

constexpr std::size_t read_bytes = 512 * 1024;

// Receives one document of version 1, from the entered room to the stored document.
class receiving {
public:
    receiving(executor ex, document_receiver& receiver, receive_options options, peer_observer& observer)
        : executor_(std::move(ex)),
          receiver_(receiver),
          options_(std::move(options)),
          observer_(observer),
          changed_(executor_),
          reading_ended_(executor_, event_reset::manual),
          question_ended_(executor_)
    {
    }

    awaitable<operation_result<receive_report>> run(entered_room entered);

private:
    awaitable<operation_error> transfer(session_keys& keys);
    void start_reading();
    awaitable<void> read_records();
    awaitable<void> take(bytes_view input);
    void show_progress();
    void ask();
    void on_answer(std::exception_ptr thrown, bool yes);
    awaitable<void> end_question();
    void watch_idleness();
    awaitable<operation_error> outcome();
    awaitable<operation_error> store();
    operation_error end_failure(error_code error) const;
    awaitable<void> close_in_order();

    executor executor_;
    document_receiver& receiver_;
    receive_options options_;
    peer_observer& observer_;

    receive_report report_;
    any_stream room_;
    std::optional<record_reader> reader_;
    std::optional<write_behind> document_;
    std::optional<watchdog> idle_;
    bool timed_out_ = false;
    bool complete_ = false;
    time_point completed_{};
    // The error that ended the document's bytes too early: of a record, or of the stream.
    error_code record_error_, stream_end_;
    event changed_; // signals a change of these, progress of the document, or the answer
    event reading_ended_;

    // The question whether to place the document.
    bool asked_ = false, question_open_ = false;
    std::optional<bool> answer_;
    asio::cancellation_signal cancel_question_;
    event question_ended_;
};

awaitable<operation_result<receive_report>> receiving::run(entered_room entered)
{
    room_ = std::move(entered.stream);
    report_.self = entered.agreed.self;
    report_.peer = entered.agreed.peer;
    auto failed = co_await transfer(entered.agreed.keys);
    if (failed.code) co_return std::move(failed);
    co_return report_;
}

// The reading runs as its own coroutine and continues while the user decides and while the document is stored.
// It waits for the sender's end: closing over unread bytes would reset the connection and look like a crash.
awaitable<operation_error> receiving::transfer(session_keys& keys)
{
    const time_point started = clock::now();
    auto reader = record_reader::create(keys.cipher0, keys.k0);
    keys = {};
    if (!reader) co_return failure(reader.error(), session_phase::transferring, "the records");
    reader_.emplace(std::move(*reader));
    document_.emplace(executor_, options_.blocking(), receiver_, [this] { show_progress(); });
    watch_idleness();
    start_reading();

    auto failed = co_await outcome();
    idle_.reset();
    const duration waited = clock::now() - completed_; // for the user
    if (!failed.code) failed = co_await store();
    if (!failed.code) {
        report_.transfer_time = clock::now() - started - waited;
        co_await close_in_order();
    }
    room_.close();
    co_await end_question();
    co_await reading_ended_.wait();
    document_.reset();
    co_return std::move(failed);
}

void receiving::start_reading()
{
    asio::co_spawn(
        executor_, [this] { return read_records(); },
        [this](std::exception_ptr thrown) {
            if (thrown) { // out of memory: nothing else throws there
                report_exception("receive_document", thrown);
                stream_end_ = make_error_code(boost::system::errc::not_enough_memory);
            }
            reading_ended_.signal();
            changed_.signal();
        });
}

// Reads until the stream ends, even when the bytes are no longer needed.
awaitable<void> receiving::read_records()
{
    const page_buffer buffer = make_page_buffer(read_bytes);
    while (!stream_end_) {
        const auto read = co_await room_.async_read_some(asio::buffer(buffer.get(), read_bytes), use_tuple);
        const auto [error, size] = read;
        if (idle_) idle_->kick();
        if (error)
            stream_end_ = error;
        else
            co_await take({buffer.get(), size});
    }
}

// Decrypts the records in `input` and passes them on. Ignores the bytes after the document's end or a broken
// record.
awaitable<void> receiving::take(bytes_view input)
{
    while (!input.empty() && !record_error_ && !document_->now().complete) {
        const mutable_bytes room = document_->room();
        if (room.empty()) {
            co_await document_->wait_for_room();
            continue;
        }
        const auto content = reader_->read(input, room);
        if (!content) {
            record_error_ = content.error();
        } else {
            document_->append(content->bytes.size());
            if (content->ended) record_error_ = asio::error::eof;
        }
    }
    document_->flush();
    if (record_error_) changed_.signal();
}

void receiving::show_progress()
{
    const auto& now = document_->now();
    if (now.complete && !std::exchange(complete_, true)) {
        completed_ = clock::now();
        idle_.reset(); // the sender has sent everything and waits
    }
    if (idle_) idle_->kick(); // time spent on the disk does not count
    changed_.signal();
    if (now.error || timed_out_) return;
    if (now.preview && !asked_) ask();
    transfer_progress progress;
    progress.stream_bytes = now.stream_bytes;
    progress.content_bytes = now.content_bytes;
    progress.total_content_bytes = now.expected_content_bytes;
    observer_.progress(progress);
}

void receiving::ask()
{
    const auto& now = document_->now();
    offered_document document;
    document.name = now.offered_name;
    document.other_name = now.other_name;
    document.is_directory = now.preview->is_directory;
    document.files = now.preview->files;
    document.directories = now.preview->directories;
    document.content_bytes = now.preview->content_bytes;
    asked_ = question_open_ = true;
    auto question = [this, document = std::move(document)] {
        return observer_.decide_document(report_.peer, document);
    };
    asio::co_spawn(
        executor_, std::move(question),
        asio::bind_cancellation_slot(cancel_question_.slot(), [this](std::exception_ptr thrown, bool yes) {
            on_answer(std::move(thrown), yes);
        }));
}

void receiving::on_answer(std::exception_ptr thrown, bool yes)
{
    question_open_ = false;
    report_exception("peer_observer::decide_document", thrown);
    answer_ = yes && !thrown;
    question_ended_.signal();
    changed_.signal();
}

awaitable<void> receiving::end_question()
{
    if (!question_open_) co_return;
    cancel_question_.emit(asio::cancellation_type::terminal);
    co_await question_ended_.wait();
}

// While this side writes the document, the sender may have nothing more to send.
void receiving::watch_idleness()
{
    idle_.emplace(executor_, options_.idle_timeout(), [this] {
        if (document_->is_busy()) {
            watch_idleness();
        } else {
            timed_out_ = true;
            room_.close();
        }
    });
}

// Waits until the document is complete and accepted, or has failed. Received bytes count before the way in which
// they ended: a complete document does not need its sender any more.
awaitable<operation_error> receiving::outcome()
{
    for (;;) {
        const bool cancelled = co_await is_cancelled();
        if (cancelled) co_return failure(errc::cancelled, session_phase::transferring, "receiving");
        const auto& now = document_->now();
        const std::string where = "receiving from " + std::string{report_.peer.text()};
        if (now.error)
            co_return failure(now.error, session_phase::transferring, where, receiver_.error_detail());
        if (answer_ && !*answer_)
            co_return failure(errc::refused_by_user, session_phase::transferring, where);
        if (now.complete && answer_) co_return operation_error{};
        if (!now.complete && !document_->is_busy() && (record_error_ || reading_ended_.is_signaled())) {
            if (record_error_ && record_error_ != asio::error::eof)
                co_return failure(record_error_, session_phase::transferring, where);
            co_return end_failure(record_error_ ? record_error_ : stream_end_);
        }
        co_await changed_.wait_or_cancelled();
    }
}

awaitable<operation_error> receiving::store()
{
    observer_.finishing();
    auto stored = co_await document_->commit();
    if (!stored)
        co_return failure(stored.error(), session_phase::finishing, "storing the document",
                          receiver_.error_detail());
    report_.document = std::move(*stored);
    report_.stream_bytes = receiver_.stream_bytes();
    report_.sender_lost = stream_end_ && (stream_end_ != asio::error::eof || room_.was_reset());
    co_return operation_error{};
}

// The failure when the stream has ended before the document: the sender or the relay has left.
operation_error receiving::end_failure(error_code error) const
{
    const std::string where = "receiving from " + std::string{report_.peer.text()};
    if (timed_out_) return failure(errc::timed_out, session_phase::transferring, where);
    const std::uint64_t bytes = document_->now().stream_bytes;
    std::string detail = bytes == 0 ? "" : "after " + std::to_string(bytes) + " bytes";
    return failure(as_peer_disconnected(error), session_phase::transferring, where, std::move(detail));
}

// The document is stored: from here on the connection ends in order, which tells the sender.
awaitable<void> receiving::close_in_order()
{
    room_.reset_on_close(false);
    watchdog bound{room_, options_.close_timeout()};
    const auto shut = co_await room_.async_shutdown_send(use_tuple);
    const auto error = std::get<0>(shut);
    while (!error && !reading_ended_.is_signaled()) {
        const bool cancelled = co_await is_cancelled();
        if (cancelled) break;
        co_await changed_.wait_or_cancelled();
    }
}

} // namespace

namespace detail {

awaitable<operation_result<receive_report>> receive_pack(entered_room entered, document_receiver& receiver,
                                                         const receive_options& options,
                                                         peer_observer& observer)
{
    const executor ex = co_await asio::this_coro::executor;
    receiving work{ex, receiver, options, observer};
    auto outcome = co_await work.run(std::move(entered));
    if (!outcome) receiver.abandon();
    co_return std::move(outcome);
}

} // namespace detail

awaitable<operation_result<receive_report>> receive_document(secret_bytes password,
                                                             document_receiver& receiver,
                                                             receive_options options, peer_observer& observer)
{
    // After a cancellation the steps still close what they have opened, so no exception may interrupt them.
    const bool throws = co_await asio::this_coro::throw_if_cancelled();
    co_await asio::this_coro::throw_if_cancelled(false);
    const executor ex = co_await asio::this_coro::executor;
    co_await yield(ex);
    client_options limits;
    limits.max_iterations = options.max_iterations();
    rendezvous meeting{options, observer};
    auto entered = co_await meeting.join(std::move(password), limits, options.refusal_ends());
    operation_result<receive_report> outcome =
        failure(errc::cancelled, session_phase::transferring, "receiving");
    const bool cancelled = co_await is_cancelled();
    if (!entered)
        outcome = entered.error();
    else if (!cancelled)
        outcome = co_await receive_pack(std::move(*entered), receiver, options, observer);
    if (!outcome) receiver.abandon();
    co_await asio::this_coro::throw_if_cancelled(throws);
    co_return std::move(outcome);
}

} // namespace parley
