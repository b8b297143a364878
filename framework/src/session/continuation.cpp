#include "session/continuation.hpp"

#include "async/deadline_timer.hpp"

#include <parley/async/event.hpp>
#include <parley/async/spawn.hpp>

#include <boost/asio/bind_cancellation_slot.hpp>

#include <algorithm>
#include <array>

namespace parley::detail {
namespace {

// Of a handshake with a reconnection password nothing is shown.
class silent_observer final : public peer_observer {};

// Of one with the sender's own password, who comes.
class own_password_observer final : public peer_observer {
public:
    explicit own_password_observer(peer_observer& to) : to_(to) {}
    void rejected(const identity& peer, error_code why) override { to_.rejected(peer, why); }
    void guesses(const guess_report& last_minute) override { to_.guesses(last_minute); }
    void agreed(const identity& self, const identity& peer) override { to_.agreed(self, peer); }

private:
    peer_observer& to_;
};

} // namespace

// The options of one attempt.
class continuation::timed_options : public session_option_setters<timed_options> {
public:
    timed_options(const session_options& from, duration left)
    {
        static_cast<session_options&>(*this) = from;
        reconnect(false).wait_timeout(left);
    }
};

continuation::continuation(const session_options& options, peer_observer& observer)
    : options_(options),
      observer_(observer),
      time_(options.time() != nullptr ? *options.time() : real_time()),
      pauses_(random_of(options))
{
}

void continuation::broke(bool moved)
{
    if (absence_.broke(time_.now(), moved)) pauses_.reset();
}

void continuation::limit(duration patience)
{
    absence_.limit(time_.now() + patience);
}

duration continuation::next_pause(continuation_pauses& pauses) const
{
    return std::min(pauses.next(), absence_.ends() - time_.now());
}

// False when it was cancelled.
awaitable<bool> continuation::rest(duration length)
{
    const executor ex = co_await asio::this_coro::executor;
    event over{ex};
    const time_point until = time_.now() + length;
    deadline_timer timer{ex, time_, [&over] { over.signal(); }};
    for (;;) {
        const bool cancelled = co_await is_cancelled();
        if (cancelled) co_return false;
        if (time_.now() >= until) co_return true;
        timer.arm(until);
        co_await over.wait_or_cancelled();
    }
}

awaitable<operation_result<entered_room>> continuation::join(const secret_bytes& reconnection,
                                                             client_options limits, operation_error failed)
{
    limits.versions = session_versions::only_2;
    while (time_.now() < absence_.ends()) {
        const duration pause = next_pause(pauses_);
        observer_.interrupted(failed, pause);
        const bool rested = co_await rest(pause);
        if (!rested) co_return failure(errc::cancelled, failed.phase, failed.where);
        silent_observer nobody;
        const timed_options options{options_, absence_.ends() - time_.now()};
        rendezvous meeting{options, nobody};
        auto entered = co_await meeting.join(reconnection.duplicate(), limits, false);
        if (entered || entered.error().code == errc::cancelled) co_return std::move(entered);
        failed = entered.error();
    }
    co_return failed;
}

awaitable<operation_result<entered_room>>
continuation::offer_with(const secret_bytes& password, offer_terms terms, bool is_own, operation_error failed)
{
    continuation_pauses own_pauses{random_of(options_)};
    if (is_own) {
        const bool rested = co_await rest(absence_.own_password_from() - time_.now());
        if (!rested) co_return failure(errc::cancelled, failed.phase, failed.where);
    } else {
        terms.versions = session_versions::only_2;
    }
    while (time_.now() < absence_.ends()) {
        const duration pause = next_pause(is_own ? own_pauses : pauses_);
        if (!is_own) observer_.interrupted(failed, pause);
        const bool rested = co_await rest(pause);
        if (!rested) co_return failure(errc::cancelled, failed.phase, failed.where);
        silent_observer nobody;
        own_password_observer forwarding{observer_};
        const timed_options options{options_, absence_.ends() - time_.now()};
        rendezvous meeting{options, is_own ? static_cast<peer_observer&>(forwarding) : nobody};
        auto entered = co_await meeting.offer(password.duplicate(), terms.parameters, terms.versions);
        if (entered || entered.error().code == errc::cancelled) co_return std::move(entered);
        failed = entered.error();
    }
    co_return failed;
}

// The two attempts that run beside each other.
struct continuation::offers {
    explicit offers(const executor& ex) : changed(ex) {}

    struct attempt {
        asio::cancellation_signal cancel;
        bool running = false;
    };
    std::array<attempt, 2> attempts;
    std::optional<returned_peer> came;
    std::optional<operation_error> failed; // of the reconnection password
    event changed;

    bool is_running() const { return attempts[0].running || attempts[1].running; }
    void stop()
    {
        for (attempt& each : attempts)
            if (each.running) each.cancel.emit(asio::cancellation_type::terminal);
    }
};

awaitable<operation_result<returned_peer>> continuation::offer(const secret_bytes& reconnection,
                                                               const secret_bytes* own, offer_terms terms,
                                                               operation_error failed)
{
    const executor ex = co_await asio::this_coro::executor;
    offers both{ex};
    for (const bool is_own : {false, true}) {
        if (is_own && own == nullptr) continue;
        offers::attempt& each = both.attempts[is_own ? 1 : 0];
        each.running = true;
        const secret_bytes& password = is_own ? *own : reconnection;
        auto work = [this, &password, terms, is_own, failed]() -> awaitable<operation_result<entered_room>> {
            co_await asio::this_coro::throw_if_cancelled(false);
            const executor here = co_await asio::this_coro::executor;
            co_await yield(here);
            auto entered = co_await offer_with(password, terms, is_own, failed);
            co_return std::move(entered);
        };
        auto ended = [&both, &each, is_own](std::exception_ptr thrown,
                                            operation_result<entered_room> entered) {
            report_exception("continuation", thrown);
            each.running = false;
            if (!thrown && entered && !both.came) both.came = returned_peer{std::move(*entered), is_own};
            if (!is_own && !thrown && !entered) both.failed = entered.error();
            both.changed.signal();
        };
        asio::co_spawn(ex, std::move(work),
                       asio::bind_cancellation_slot(each.cancel.slot(), std::move(ended)));
    }
    bool cancelled = false;
    while (both.is_running() && !both.came && !cancelled) {
        co_await both.changed.wait_or_cancelled();
        cancelled = co_await is_cancelled();
    }
    both.stop();
    while (both.is_running()) co_await both.changed.wait();
    if (cancelled) co_return failure(errc::cancelled, failed.phase, failed.where);
    if (both.came) co_return std::move(*both.came);
    co_return both.failed ? *both.failed : failed;
}

} // namespace parley::detail
