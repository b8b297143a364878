#include <parley/crypto/random.hpp>
#include <parley/net/receive_document.hpp>
#include <parley/net/spawn.hpp>
#include <parley/net/watchdog.hpp>
#include <parley/proto/client_machine.hpp>
#include <parley/proto/record_stream.hpp>

#include "net/session_steps.hpp"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/this_coro.hpp>

#include <deque>

namespace parley {
namespace {

using namespace detail;

constexpr std::size_t read_bytes = 128 * 1024;

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
          question_ended_(executor_)
    {
    }

    awaitable<operation_result<receive_report>> run();

private:
    struct offer {
        uid server;
        identity peer;
    };

    awaitable<operation_error> handshake();
    void on_event(client_event::any event);
    void on_gone(const client_event::gone& event);
    void ask_next();
    void on_answer(std::exception_ptr thrown, bool yes);

    awaitable<operation_error> transfer();
    awaitable<operation_error> take_records(record_reader& reader);
    std::optional<operation_error> take(record_reader& reader, bytes_view input);
    operation_error document_failure(error_code error) const;
    operation_error end_failure(error_code error) const;
    awaitable<void> close_in_order();

    random_source& random() const { return options_.random ? *options_.random : system_random(); }

    executor executor_;
    secret_bytes password_;
    document_receiver& receiver_;
    receive_options options_;
    peer_observer& observer_;

    // The handshake. One server at a time is asked about or accepted; the others wait in line.
    driver<client_machine>* drive_ = nullptr;
    std::optional<agreement> agreement_;
    std::deque<offer> line_;
    std::optional<offer> current_;
    bool asking_ = false, ended_ = false;
    asio::cancellation_signal cancel_question_;
    one_shot_event question_ended_;
    error_code refusal_;

    std::optional<tcp_endpoint> reached_;
    receive_report report_;
    any_stream room_;
    byte_vector early_;
    std::optional<watchdog> idle_;
    transfer_progress progress_;
};

void receiving::on_event(client_event::any event)
{
    if (auto* id = std::get_if<client_event::identified>(&event)) {
        observer_.identified(id->self);
        observer_.waiting();
    } else if (auto* wrong = std::get_if<client_event::rejected>(&event)) {
        observer_.rejected(wrong->peer, wrong->why);
    } else if (auto* offered = std::get_if<client_event::offered>(&event)) {
        line_.push_back({offered->server, offered->peer});
        ask_next();
    } else if (auto* gone = std::get_if<client_event::gone>(&event)) {
        on_gone(*gone);
    } else if (auto* end = std::get_if<client_event::agreed>(&event)) {
        agreement_ = std::move(end->result);
    }
}

void receiving::on_gone(const client_event::gone& event)
{
    if (!current_ || current_->server != event.server) {
        std::erase_if(line_, [&](const offer& o) { return o.server == event.server; });
        return;
    }
    current_.reset();
    observer_.withdrawn(event.peer);
    if (asking_)
        cancel_question_.emit(asio::cancellation_type::terminal); // on_answer asks the next
    else
        ask_next();
}

void receiving::ask_next()
{
    if (ended_ || asking_ || current_ || line_.empty()) return;
    current_ = line_.front();
    line_.pop_front();
    asking_ = true;
    auto question = [this, peer = current_->peer] { return observer_.decide(peer); };
    asio::co_spawn(
        executor_, std::move(question),
        asio::bind_cancellation_slot(cancel_question_.slot(), [this](std::exception_ptr thrown, bool yes) {
            on_answer(std::move(thrown), yes);
        }));
}

void receiving::on_answer(std::exception_ptr thrown, bool yes)
{
    asking_ = false;
    report_exception("peer_observer::decide", thrown);
    if (ended_) {
        question_ended_.set();
        return;
    }
    if (!current_) { // withdrawn meanwhile
        ask_next();
        return;
    }
    const offer answered = *current_;
    if (yes && !thrown) { // it stays current_ until `done`, or until it leaves
        drive_->input([answered](client_machine& machine) { machine.accept(answered.server); });
        return;
    }
    current_.reset();
    drive_->input([answered](client_machine& machine) { machine.refuse(answered.server); });
    if (options_.refusal_ends) {
        refusal_ = errc::refused_by_user;
        drive_->stop(refusal_);
    } else {
        ask_next();
    }
}

awaitable<operation_error> receiving::handshake()
{
    auto connected = co_await connect_handshake(options_, observer_);
    if (!connected) co_return connected.error();
    any_stream stream = std::move(*connected);
    reached_ = stream.remote_endpoint();

    client_options limits;
    limits.max_iterations = options_.max_iterations;
    client_machine machine{std::move(password_), random(), limits};
    driver_options driving;
    driving.timeout = options_.wait_timeout;
    driver<client_machine> drive{stream, machine,
                                 [this](client_event::any event) { on_event(std::move(event)); }, driving};
    drive_ = &drive;
    const error_code error = co_await drive.run();
    ended_ = true;
    stream.close();
    if (asking_) {
        cancel_question_.emit(asio::cancellation_type::terminal);
        co_await question_ended_.wait();
    }
    drive_ = nullptr;
    const bool cancelled = co_await is_cancelled();
    const std::string where = "waiting at relay " + escaped(options_.relay.text());
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
    auto entered = co_await enter_room(options_, reached_, report_.peer);
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

awaitable<operation_error> receiving::transfer()
{
    const time_point started = clock::now();
    auto reader = record_reader::create(agreement_->keys.cipher0, agreement_->keys.k0);
    agreement_->keys = {};
    if (!reader) co_return failure(reader.error(), session_phase::transferring, "the records");
    idle_.emplace(room_, options_.idle_timeout);
    auto failed = co_await take_records(*reader);
    idle_.reset();
    const bool cancelled = co_await is_cancelled();
    if (cancelled) co_return failure(errc::cancelled, session_phase::transferring, "receiving");
    if (failed.code) co_return std::move(failed);

    observer_.finishing();
    auto document = receiver_.commit();
    if (!document)
        co_return failure(document.error(), session_phase::finishing, "storing the document",
                          receiver_.error_detail());
    report_.document = std::move(*document);
    report_.stream_bytes = receiver_.stream_bytes();
    report_.transfer_time = clock::now() - started;
    co_await close_in_order();
    co_return operation_error{};
}

awaitable<operation_error> receiving::take_records(record_reader& reader)
{
    if (auto failed = take(reader, early_)) co_return std::move(*failed);
    const auto buffer = std::make_unique<byte[]>(read_bytes);
    while (!receiver_.complete()) {
        const auto read = co_await room_.async_read_some(asio::buffer(buffer.get(), read_bytes), use_tuple);
        const auto [error, size] = read;
        if (error) co_return end_failure(error);
        if (auto failed = take(reader, {buffer.get(), size})) co_return std::move(*failed);
        idle_->kick(); // after the disk has had its time
        progress_.stream_bytes = receiver_.stream_bytes();
        progress_.content_bytes = receiver_.content_bytes_written();
        progress_.total_content_bytes = receiver_.expected_content_bytes();
        observer_.progress(progress_);
        // A request that came when this read was done already has stopped nothing, and would be forgotten.
        const bool cancelled = co_await is_cancelled();
        if (cancelled) break;
    }
    co_return operation_error{};
}

// Opens what is in `input` and hands it to the receiver. What follows the trailer is left.
std::optional<operation_error> receiving::take(record_reader& reader, bytes_view input)
{
    while (!input.empty() && !receiver_.complete()) {
        const auto content = reader.read(input);
        if (!content)
            return failure(content.error(), session_phase::transferring,
                           "receiving from " + std::string{report_.peer.text()});
        if (const error_code error = receiver_.write(content->bytes)) return document_failure(error);
        if (content->ended && !receiver_.complete()) return end_failure(asio::error::eof);
    }
    return std::nullopt;
}

operation_error receiving::document_failure(error_code error) const
{
    return failure(error, session_phase::transferring, "receiving from " + std::string{report_.peer.text()},
                   receiver_.error_detail());
}

// The stream has ended before the document. In order: the sender was made by others, ours never do that; it
// may have been killed. Anything else says that it, or the relay, has gone.
operation_error receiving::end_failure(error_code error) const
{
    const std::string where = "receiving from " + std::string{report_.peer.text()};
    if (idle_->fired()) return failure(errc::timed_out, session_phase::transferring, where);
    if (error == asio::error::eof && receiver_.stream_bytes() != 0)
        return failure(errc::pack_truncated, session_phase::transferring, where,
                       "after " + std::to_string(receiver_.stream_bytes()) + " bytes");
    return failure(as_peer_gone(error), session_phase::transferring, where);
}

// The document stands: from here on an end in order is the truth, and tells the sender so. The sender's own
// end is waited for, because closing over bytes that nobody has read would reset the connection and look like
// a crash.
awaitable<void> receiving::close_in_order()
{
    room_.set_abort_on_close(false);
    watchdog bound{room_, options_.close_timeout};
    const auto shut = co_await room_.async_shutdown_send(use_tuple);
    auto error = std::get<0>(shut);
    std::array<byte, 4096> junk;
    while (!error) {
        const auto read = co_await room_.async_read_some(asio::buffer(junk), use_tuple);
        error = std::get<0>(read);
        const bool cancelled = co_await is_cancelled();
        if (cancelled) break;
    }
    room_.close();
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
    co_await switch_context(ex);
    receiving work{ex, std::move(password), receiver, std::move(options), observer};
    auto outcome = co_await work.run();
    if (!outcome) receiver.abandon();
    co_await asio::this_coro::throw_if_cancelled(throws);
    co_return std::move(outcome);
}

} // namespace parley
