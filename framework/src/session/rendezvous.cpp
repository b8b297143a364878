#include "session/rendezvous.hpp"

#include "async/blocking_worker.hpp"
#include "async/deadline_timer.hpp"

#include <parley/async/event.hpp>
#include <parley/async/spawn.hpp>
#include <parley/proto/offer_queue.hpp>
#include <parley/proto/room_line.hpp>
#include <parley/proto/server_machine.hpp>
#include <parley/stream/driver.hpp>
#include <parley/transport/connect.hpp>

#include <boost/asio/bind_cancellation_slot.hpp>

namespace parley::detail {
namespace {

// Makes the failure of a connection attempt. For one address its own error tells most; for several, list what
// happened at each.
operation_error connect_failure(const connect_outcome& outcome, session_phase phase, std::string where)
{
    if (outcome.error != errc::connect_failed || !outcome.detail.empty())
        return failure(outcome.error, phase, std::move(where), outcome.detail);
    if (outcome.attempts.size() == 1) return failure(outcome.attempts.front().error, phase, std::move(where));
    return failure(outcome.error, phase, std::move(where), outcome.describe_attempts());
}

std::string at_relay(const char* doing, const session_options& options)
{
    return doing + escaped(options.relay().text());
}

// A derivation is done in parts: an operation that is cancelled waits for one of them.
constexpr std::uint64_t iterations_each_part = 4096;

// A client's handshake. While it runs, it asks the user about one server after the other, and derives keys on
// `blocking`.
class client_handshake {
public:
    using identified_handler = std::function<void(const identity& self, driver_base& handshake)>;

    client_handshake(const executor& ex, executor blocking, any_stream stream, client_machine machine,
                     const driver_options& driving, bool refusal_ends, peer_observer& observer,
                     identified_handler on_identified)
        : stream_(std::move(stream)),
          machine_(std::move(machine)),
          drive_(
              stream_, machine_, [this](client_event_variant event) { on_event(std::move(event)); }, driving),
          refusal_ends_(refusal_ends),
          observer_(observer),
          on_identified_(std::move(on_identified)),
          question_ended_(ex),
          blocking_(std::move(blocking))
    {
    }

    // Returns when the handshake is over and no question is open.
    awaitable<error_code> run()
    {
        const error_code error = co_await drive_.run();
        over_ = true;
        worker_.reset();
        stream_.close();
        if (question_open_) {
            cancel_question_.emit(asio::cancellation_type::terminal);
            co_await question_ended_.wait();
        }
        co_return refusal_ ? refusal_ : error;
    }

    std::uint64_t guesses() const noexcept { return machine_.guesses(); }

    std::optional<agreement> agreed;

private:
    void on_event(client_event_variant event)
    {
        if (auto* id = std::get_if<client_event::identified>(&event)) {
            on_identified_(id->self, drive_);
        } else if (auto* wrong = std::get_if<client_event::rejected>(&event)) {
            observer_.rejected(wrong->peer, wrong->why);
        } else if (auto* many = std::get_if<client_event::guesses>(&event)) {
            observer_.guesses(many->last_minute);
        } else if (std::holds_alternative<client_event::repeated>(event)) {
            observer_.trying_again();
        } else if (std::holds_alternative<client_event::derivation_due>(event)) {
            drive_.input([this](client_machine& machine) { begin_derivation(machine); });
        } else if (auto* offered = std::get_if<client_event::offered>(&event)) {
            offers_.offered({offered->server, offered->peer});
            perform_offers();
        } else if (auto* gone = std::get_if<client_event::gone>(&event)) {
            offers_.gone(gone->server);
            perform_offers();
        } else if (auto* end = std::get_if<client_event::agreed>(&event)) {
            agreed = std::move(end->result);
        }
    }

    void perform_offers()
    {
        while (const auto action = offers_.next_action()) {
            if (const auto* question = std::get_if<offer_action::ask>(&*action)) {
                if (!refusal_) ask(question->peer);
            } else if (std::holds_alternative<offer_action::cancel_question>(*action)) {
                cancel_question_.emit(asio::cancellation_type::terminal);
            } else if (const auto* left = std::get_if<offer_action::withdrawn>(&*action)) {
                observer_.withdrawn(left->peer);
            } else if (const auto* yes = std::get_if<offer_action::accept>(&*action)) {
                drive_.input([to = yes->server](client_machine& machine) { machine.accept(to); });
            } else if (const auto* no = std::get_if<offer_action::refuse>(&*action)) {
                drive_.input([to = no->server](client_machine& machine) { machine.refuse(to); });
                if (!refusal_ends_) continue;
                refusal_ = errc::refused_by_user;
                drive_.stop(refusal_);
            }
        }
    }

    void ask(const identity& peer)
    {
        question_open_ = true;
        auto question = [this, peer] { return observer_.decide(peer); };
        asio::co_spawn(question_ended_.get_executor(), std::move(question),
                       asio::bind_cancellation_slot(cancel_question_.slot(),
                                                    [this](std::exception_ptr thrown, bool yes) {
                                                        on_answer(std::move(thrown), yes);
                                                    }));
    }

    void on_answer(std::exception_ptr thrown, bool yes)
    {
        question_open_ = false;
        report_exception("peer_observer::decide", thrown);
        if (over_) return question_ended_.signal();
        offers_.answered(yes && !thrown);
        perform_offers();
    }

    void begin_derivation(client_machine& machine)
    {
        auto job = machine.next_derivation();
        if (!job) return;
        if (!worker_) worker_.emplace(question_ended_.get_executor(), blocking_);
        derive(std::make_shared<client_derivation>(std::move(*job)));
    }

    // Part by part: another operation's work at `blocking` goes between them, too.
    void derive(std::shared_ptr<client_derivation> job)
    {
        const auto done = std::make_shared<bool>(false);
        const auto work = [job, done] { *done = job->run(iterations_each_part); };
        worker_->submit(work, [this, job, done] {
            if (!*done) return derive(job);
            drive_.input([job](client_machine& machine) { machine.derived(std::move(*job)); });
        });
    }

    any_stream stream_;
    client_machine machine_;
    driver<client_machine> drive_;
    const bool refusal_ends_;
    peer_observer& observer_;
    identified_handler on_identified_;
    offer_queue offers_;
    error_code refusal_;
    bool over_ = false; // the handshake has ended; wait only for the open question
    bool question_open_ = false;
    asio::cancellation_signal cancel_question_;
    event question_ended_;
    executor blocking_;
    std::optional<blocking_worker> worker_; // from the first derivation on
};

} // namespace

rendezvous::rendezvous(const session_options& options, peer_observer& observer)
    : options_(options),
      observer_(observer),
      time_(options.time() != nullptr ? *options.time() : real_time()),
      seat_(seat_token::random(random_of(options))),
      pauses_(random_of(options))
{
}

duration rendezvous::wait_left() const
{
    if (!wait_ends_) return options_.wait_timeout();
    if (*wait_ends_ == no_deadline) return duration::max();
    return std::max(*wait_ends_ - time_.now(), duration{});
}

// The relay's answer to the hello belongs to the connection.
driver_options rendezvous::handshake_options() const
{
    driver_options out;
    out.timeout = std::min(options_.connect_timeout(), wait_left());
    out.time = &time_;
    return out;
}

void rendezvous::on_identified(const identity& self, driver_base& handshake)
{
    handshake.set_timeout(wait_left());
    waiting_from_ = time_.now();
    has_waited_ = true;
    observer_.identified(self);
    observer_.waiting();
}

// Waits until it is time for another connection. The error with which to end, or none: connect again.
awaitable<operation_error> rendezvous::pause_after(const operation_error& failed)
{
    constexpr duration steady = std::chrono::minutes{1}; // after this the relay counts as a good one again
    const time_point now = time_.now();
    if (waiting_from_ && now - *waiting_from_ >= steady) pauses_.reset();
    waiting_from_.reset();
    const bool again = options_.reconnect() && has_waited_ && is_worth_another_try(failed.code);
    if (!again || wait_left() <= duration{}) co_return failed;
    if (options_.max_guesses() != 0 && guesses_ > options_.max_guesses())
        co_return failure(errc::too_many_guesses, failed.phase, failed.where);
    const duration pause = std::min(pauses_.next(), wait_left());
    observer_.reconnecting(failed, pause);
    reached_.reset(); // another network may have another address
    agreement_.reset();
    // The observer may have cancelled while no operation was pending that would end.
    auto cancelled = co_await step_result({}, failed.phase, failed.where);
    if (!cancelled.code) {
        const executor ex = co_await asio::this_coro::executor;
        event over{ex};
        deadline_timer timer{ex, time_, [&over] { over.signal(); }};
        timer.arm(now + pause);
        co_await over.wait_or_cancelled();
        cancelled = co_await step_result({}, failed.phase, failed.where);
    }
    if (cancelled.code) co_return std::move(cancelled);
    if (wait_left() <= duration{}) co_return failed;
    co_return operation_error{};
}

// Opens a connection to reached_, or to the relay's address.
awaitable<operation_result<any_stream>> rendezvous::open(stream_kind kind, connect_step_handler on_step)
{
    const bool room = kind == stream_kind::room;
    const session_phase phase = room ? session_phase::entering : session_phase::connecting;
    const char* doing = room ? "entering the room of relay " : "connecting to relay ";
    const std::string where = at_relay(doing, options_);
    connect_options connecting;
    connecting.seat = seat_;
    connecting.timeout = options_.connect_timeout();
    if (!room && wait_ends_) connecting.timeout = std::min(connecting.timeout, wait_left());
    connecting.names = options_.names();
    connecting.tls.ca_file = options_.ca_file();
    connecting.proxy = options_.proxy();
    connecting.on_step = std::move(on_step);
    // The observer may have cancelled while no operation was pending that would end.
    auto failed = co_await step_result({}, phase, where);
    if (failed.code) co_return std::move(failed);
    auto outcome = co_await connect_to_address(reached_, options_.relay(), kind, connecting);
    failed = co_await step_result({}, phase, where);
    if (failed.code) co_return std::move(failed);
    const char* failing = room ? "cannot reach the room of relay " : "cannot reach relay ";
    if (outcome.error) co_return connect_failure(outcome, phase, at_relay(failing, options_));
    co_return std::move(outcome.stream);
}

awaitable<operation_error> rendezvous::connect(std::optional<tcp_endpoint> reached,
                                               connect_step_handler on_step)
{
    observer_.connecting(options_.relay());
    reached_ = reached;
    auto opened = co_await open(stream_kind::handshake, on_step);
    if (!opened) co_return opened.error();
    reached_ = opened->remote_endpoint();
    const duration wait = options_.wait_timeout();
    if (!wait_ends_) wait_ends_ = wait == duration::max() ? no_deadline : time_.now() + wait;
    opened->set_acknowledgement_timeout(tcp_options{}.dead_path_timeout);
    observer_.connected(opened->remote_address());
    const std::string where = at_relay("connecting to relay ", options_);
    auto failed = co_await step_result({}, session_phase::connecting, where);
    if (!failed.code) stream_ = std::move(*opened);
    co_return std::move(failed);
}

awaitable<operation_result<entered_room>>
rendezvous::offer(secret_bytes password, public_parameters parameters, session_versions versions)
{
    for (;;) {
        auto entered = co_await offer_once(password, parameters, versions);
        if (entered) co_return std::move(entered);
        const operation_error failed = entered.error();
        if (is_continued_elsewhere(failed)) co_return failed;
        auto ended = co_await pause_after(failed);
        if (ended.code) co_return std::move(ended);
    }
}

awaitable<operation_result<entered_room>>
rendezvous::offer_once(const secret_bytes& password, public_parameters parameters, session_versions versions)
{
    random_of(options_).fill(parameters.salt);
    auto derived = spoke_server::create(password.view(), parameters, versions);
    if (!derived) co_return failure(derived.error(), session_phase::preparing, "deriving from the password");
    if (!stream_) {
        auto failed = co_await connect();
        if (failed.code) co_return std::move(failed);
    }
    driver_base* handshake = nullptr;
    const auto on_event = [this, &handshake](server_event_variant event) {
        if (auto* id = std::get_if<server_event::identified>(&event)) {
            on_identified(id->self, *handshake);
        } else if (auto* wrong = std::get_if<server_event::rejected>(&event)) {
            observer_.rejected(wrong->peer, wrong->why);
        } else if (auto* many = std::get_if<server_event::guesses>(&event)) {
            observer_.guesses(many->last_minute);
        } else if (auto* no = std::get_if<server_event::refused>(&event)) {
            observer_.refused(no->peer);
        } else if (auto* end = std::get_if<server_event::agreed>(&event)) {
            agreement_ = std::move(end->result);
        }
    };
    error_code error;
    {
        any_stream stream = std::move(stream_);
        server_options limits;
        limits.max_guesses = options_.max_guesses();
        limits.earlier_guesses = guesses_;
        server_machine machine{std::move(*derived), random_of(options_), limits};
        driver<server_machine> drive{stream, machine, on_event, handshake_options()};
        handshake = &drive;
        error = co_await drive.run();
        guesses_ = machine.guesses();
        stream.close();
    }
    auto entered = co_await enter(error, false);
    co_return std::move(entered);
}

awaitable<operation_result<entered_room>> rendezvous::join(secret_bytes password, client_options limits,
                                                           bool refusal_ends)
{
    for (;;) {
        auto entered = co_await join_once(password, limits, refusal_ends);
        if (entered) co_return std::move(entered);
        const operation_error failed = entered.error();
        if (is_continued_elsewhere(failed)) co_return failed;
        auto ended = co_await pause_after(failed);
        if (ended.code) co_return std::move(ended);
    }
}

awaitable<operation_result<entered_room>> rendezvous::join_once(const secret_bytes& password,
                                                                client_options limits, bool refusal_ends)
{
    if (!stream_) {
        auto failed = co_await connect();
        if (failed.code) co_return std::move(failed);
    }
    const executor ex = co_await asio::this_coro::executor;
    limits.max_guesses = options_.max_guesses();
    limits.earlier_guesses = guesses_;
    error_code error;
    {
        client_machine machine{password.duplicate(), random_of(options_), limits};
        client_handshake work{
            ex,
            options_.blocking(),
            std::move(stream_),
            std::move(machine),
            handshake_options(),
            refusal_ends,
            observer_,
            [this](const identity& self, driver_base& handshake) { on_identified(self, handshake); }};
        error = co_await work.run();
        guesses_ = work.guesses();
        agreement_ = std::move(work.agreed);
    }
    auto entered = co_await enter(error, true);
    co_return std::move(entered);
}

// Enters the room after a handshake that ended with `error`, which is unset after an agreement.
awaitable<operation_result<entered_room>> rendezvous::enter(error_code error, bool reset_on_close)
{
    if (!error && !agreement_) error = errc::unexpected_end;
    const bool silent = error == errc::timed_out && !waiting_from_;
    std::string where = silent                           ? at_relay("cannot reach relay ", options_)
                        : error == errc::refused_by_user ? "receiving"
                                                         : at_relay("waiting at relay ", options_);
    const session_phase phase = silent ? session_phase::connecting : session_phase::handshake;
    auto failed = co_await step_result(error, phase, where);
    if (failed.code == errc::timed_out && silent) failed.detail = "it was connected, but has not answered";
    if (failed.code) co_return std::move(failed);
    observer_.agreed(agreement_->self, agreement_->peer);

    auto opened = co_await open(stream_kind::room, {});
    if (!opened) co_return opened.error();
    entered_room room;
    room.stream = std::move(*opened);
    // Set it at once: the answer may be on its way when this process is killed.
    room.stream.reset_on_close(reset_on_close && agreement_->keys.version() == 1);
    room_entry_machine machine{agreement_->peer};
    driver_options driving;
    driving.timeout = options_.entry_timeout();
    driving.time = &time_;
    driver<room_entry_machine> drive{room.stream, machine, {}, driving};
    error = co_await drive.run();
    where = at_relay("entering the room of relay ", options_);
    failed = co_await step_result(error, session_phase::entering, where);
    if (failed.code) co_return std::move(failed);
    room.stream.put_back(drive.leftover());
    room.agreed = std::move(*agreement_);
    agreement_.reset();
    observer_.entered_room();
    co_return std::move(room);
}

} // namespace parley::detail
