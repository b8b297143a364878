#include <parley/async/event.hpp>
#include <parley/async/spawn.hpp>
#include <parley/async/watchdog.hpp>
#include <parley/crypto/random.hpp>
#include <parley/proto/client_machine.hpp>
#include <parley/proto/offer_queue.hpp>
#include <parley/proto/record_stream.hpp>
#include <parley/transfer/receive_document.hpp>

#include "async/page_buffer.hpp"
#include "session/session_steps.hpp"
#include "transfer/write_behind.hpp"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/this_coro.hpp>

namespace parley {
namespace {

using namespace detail;

constexpr std::size_t read_bytes = 512 * 1024;

// One receiving, from the password to the document in its place.
class receiving {
public:
    receiving(executor ex, secret_bytes password, document_receiver& receiver, receive_options options,
              peer_observer& observer)
        : executor_(std::move(ex)),
          password_(std::move(password)),
          receiver_(receiver),
          options_(std::move(options)),
          observer_(observer),
          question_ended_(executor_, event_reset::manual),
          changed_(executor_),
          reading_ended_(executor_, event_reset::manual)
    {
    }

    awaitable<operation_result<receive_report>> run();

private:
    awaitable<operation_error> handshake();
    void on_event(client_event_variant event);
    void perform_offers();
    void ask(const identity& peer);
    void on_answer(std::exception_ptr thrown, bool yes);

    awaitable<operation_error> transfer();
    void start_reading();
    awaitable<void> read_records();
    awaitable<void> take(bytes_view input);
    void show_progress();
    void watch_idleness();
    awaitable<operation_error> outcome();
    awaitable<operation_error> store();
    operation_error end_failure(error_code error) const;
    awaitable<void> close_in_order();

    random_source& random() const { return options_.random() ? *options_.random() : system_random(); }

    executor executor_;
    secret_bytes password_;
    document_receiver& receiver_;
    receive_options options_;
    peer_observer& observer_;

    // The handshake.
    driver<client_machine>* drive_ = nullptr;
    std::optional<agreement> agreement_;
    offer_queue offers_;
    bool ended_ = false; // nobody is asked any more
    bool question_open_ = false;
    bool handshake_over_ = false; // an answer that comes now is the last thing waited for
    asio::cancellation_signal cancel_question_;
    event question_ended_;
    error_code refusal_;

    const seat_token seat_ = new_seat(options_);
    std::optional<tcp_endpoint> reached_;
    receive_report report_;
    any_stream room_;
    byte_vector early_;
    std::optional<record_reader> reader_;
    std::optional<write_behind> document_;
    std::optional<watchdog> idle_;
    bool timed_out_ = false;
    // What ended the document's bytes before the document: a broken record, or the stream's end.
    error_code record_error_, stream_end_;
    event changed_; // any of these, or of the document's progress
    event reading_ended_;
};

void receiving::on_event(client_event_variant event)
{
    if (auto* id = std::get_if<client_event::identified>(&event)) {
        observer_.identified(id->self);
        observer_.waiting();
    } else if (auto* wrong = std::get_if<client_event::rejected>(&event)) {
        observer_.rejected(wrong->peer, wrong->why);
    } else if (auto* offered = std::get_if<client_event::offered>(&event)) {
        offers_.offered({offered->server, offered->peer});
        perform_offers();
    } else if (auto* gone = std::get_if<client_event::gone>(&event)) {
        offers_.gone(gone->server);
        perform_offers();
    } else if (auto* end = std::get_if<client_event::agreed>(&event)) {
        agreement_ = std::move(end->result);
    }
}

void receiving::perform_offers()
{
    while (const auto action = offers_.next_action()) {
        if (const auto* question = std::get_if<offer_action::ask>(&*action)) {
            if (!ended_) ask(question->peer);
        } else if (std::holds_alternative<offer_action::cancel_question>(*action)) {
            cancel_question_.emit(asio::cancellation_type::terminal);
        } else if (const auto* left = std::get_if<offer_action::withdrawn>(&*action)) {
            observer_.withdrawn(left->peer);
        } else if (const auto* yes = std::get_if<offer_action::accept>(&*action)) {
            drive_->input([to = yes->server](client_machine& machine) { machine.accept(to); });
        } else if (const auto* no = std::get_if<offer_action::refuse>(&*action)) {
            drive_->input([to = no->server](client_machine& machine) { machine.refuse(to); });
            if (!options_.refusal_ends()) continue;
            refusal_ = errc::refused_by_user;
            ended_ = true;
            drive_->stop(refusal_);
        }
    }
}

void receiving::ask(const identity& peer)
{
    question_open_ = true;
    auto question = [this, peer] { return observer_.decide(peer); };
    asio::co_spawn(
        executor_, std::move(question),
        asio::bind_cancellation_slot(cancel_question_.slot(), [this](std::exception_ptr thrown, bool yes) {
            on_answer(std::move(thrown), yes);
        }));
}

void receiving::on_answer(std::exception_ptr thrown, bool yes)
{
    question_open_ = false;
    report_exception("peer_observer::decide", thrown);
    if (handshake_over_) {
        question_ended_.signal();
        return;
    }
    offers_.answered(yes && !thrown);
    perform_offers();
}

awaitable<operation_error> receiving::handshake()
{
    auto connected = co_await connect_handshake(options_, seat_, observer_);
    if (!connected) co_return connected.error();
    any_stream stream = std::move(*connected);
    reached_ = stream.remote_endpoint();

    client_options limits;
    limits.max_iterations = options_.max_iterations();
    client_machine machine{std::move(password_), random(), limits};
    driver_options driving;
    driving.timeout = options_.wait_timeout();
    driver<client_machine> drive{stream, machine,
                                 [this](client_event_variant event) { on_event(std::move(event)); }, driving};
    drive_ = &drive;
    const error_code error = co_await drive.run();
    handshake_over_ = ended_ = true;
    stream.close();
    if (question_open_) {
        cancel_question_.emit(asio::cancellation_type::terminal);
        co_await question_ended_.wait();
    }
    drive_ = nullptr;
    const bool cancelled = co_await is_cancelled();
    const std::string where = "waiting at relay " + escaped(options_.relay().text());
    if (cancelled) co_return failure(errc::cancelled, session_phase::handshake, where);
    if (refusal_) co_return failure(refusal_, session_phase::handshake, "receiving");
    if (error) co_return failure(error, session_phase::handshake, where);
    if (!agreement_) co_return failure(errc::unexpected_end, session_phase::handshake, where);
    report_.self = agreement_->self;
    report_.peer = agreement_->peer;
    observer_.agreed(report_.self, report_.peer);
    co_return operation_error{};
}

awaitable<operation_result<receive_report>> receiving::run()
{
    auto failed = co_await handshake();
    if (failed.code) co_return std::move(failed);
    auto entered = co_await enter_room(options_, seat_, reached_, report_.peer, room_end::reset);
    if (!entered) co_return entered.error();
    room_ = std::move(entered->stream);
    early_ = std::move(entered->early);
    observer_.entered_room();
    const bool cancelled = co_await is_cancelled();
    if (cancelled) co_return failure(errc::cancelled, session_phase::transferring, "receiving");

    failed = co_await transfer();
    if (failed.code) co_return std::move(failed);
    co_return report_;
}

// The reading runs as a coroutine of its own, for it goes on while the document is stored: the sender's end
// is waited for, and closing over bytes that nobody has read would reset the connection and look like a
// crash.
awaitable<operation_error> receiving::transfer()
{
    const time_point started = clock::now();
    auto reader = record_reader::create(agreement_->keys.cipher0, agreement_->keys.k0);
    agreement_->keys = {};
    if (!reader) co_return failure(reader.error(), session_phase::transferring, "the records");
    reader_.emplace(std::move(*reader));
    document_.emplace(executor_, options_.blocking(), receiver_, [this] { show_progress(); });
    watch_idleness();
    start_reading();

    auto failed = co_await outcome();
    idle_.reset();
    if (!failed.code) failed = co_await store();
    if (!failed.code) {
        report_.transfer_time = clock::now() - started;
        co_await close_in_order();
    }
    room_.close();
    co_await reading_ended_.wait();
    document_.reset();
    co_return std::move(failed);
}

void receiving::start_reading()
{
    asio::co_spawn(
        executor_, [this] { return read_records(); },
        [this](std::exception_ptr thrown) {
            if (thrown) { // memory has run out: nothing else throws there
                report_exception("receive_document", thrown);
                stream_end_ = make_error_code(boost::system::errc::not_enough_memory);
            }
            reading_ended_.signal();
            changed_.signal();
        });
}

// Until the stream ends, also when nobody wants the bytes any more.
awaitable<void> receiving::read_records()
{
    co_await take(early_);
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

// Opens what is in `input` and hands it on. What follows the document's end or a broken record is left.
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
    if (idle_) idle_->kick(); // after the disk has had its time
    changed_.signal();
    const auto& now = document_->now();
    if (now.error || timed_out_) return;
    transfer_progress progress;
    progress.stream_bytes = now.stream_bytes;
    progress.content_bytes = now.content_bytes;
    progress.total_content_bytes = now.expected_content_bytes;
    observer_.progress(progress);
}

// A sender that is silent while the document is being written here may have said all it has to say.
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

// Waits until the document is complete, or cannot become so. What has come counts before how it ended.
awaitable<operation_error> receiving::outcome()
{
    for (;;) {
        const bool cancelled = co_await is_cancelled();
        if (cancelled) co_return failure(errc::cancelled, session_phase::transferring, "receiving");
        const auto& now = document_->now();
        const std::string where = "receiving from " + std::string{report_.peer.text()};
        if (now.error)
            co_return failure(now.error, session_phase::transferring, where, receiver_.error_detail());
        if (now.complete) co_return operation_error{};
        if (!document_->is_busy() && (record_error_ || reading_ended_.is_signaled())) {
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
    co_return operation_error{};
}

// The stream has ended before the document: the sender, or the relay, has gone.
operation_error receiving::end_failure(error_code error) const
{
    const std::string where = "receiving from " + std::string{report_.peer.text()};
    if (timed_out_) return failure(errc::timed_out, session_phase::transferring, where);
    const std::uint64_t bytes = document_->now().stream_bytes;
    std::string detail = bytes == 0 ? "" : "after " + std::to_string(bytes) + " bytes";
    return failure(as_peer_disconnected(error), session_phase::transferring, where, std::move(detail));
}

// The document stands: from here on an end in order is the truth, and tells the sender so.
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

awaitable<operation_result<receive_report>> receive_document(secret_bytes password,
                                                             document_receiver& receiver,
                                                             receive_options options, peer_observer& observer)
{
    // The steps close what they opened after a cancellation, too: none may be cut short by an exception.
    const bool throws = co_await asio::this_coro::throw_if_cancelled();
    co_await asio::this_coro::throw_if_cancelled(false);
    const executor ex = co_await asio::this_coro::executor;
    co_await yield(ex);
    receiving work{ex, std::move(password), receiver, std::move(options), observer};
    auto outcome = co_await work.run();
    if (!outcome) receiver.abandon();
    co_await asio::this_coro::throw_if_cancelled(throws);
    co_return std::move(outcome);
}

} // namespace parley
