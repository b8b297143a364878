#include "session/session_steps.hpp"

#include <parley/crypto/random.hpp>
#include <parley/proto/room_line.hpp>

#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>

namespace parley {

std::string_view session_phase_name(session_phase phase) noexcept
{
    switch (phase) {
    case session_phase::preparing:
        return "preparing";
    case session_phase::connecting:
        return "connecting";
    case session_phase::handshake:
        return "handshake";
    case session_phase::entering:
        return "entering";
    case session_phase::transferring:
        return "transferring";
    case session_phase::finishing:
        return "finishing";
    }
    return "unknown";
}

std::string operation_error::message() const
{
    std::string text = where.empty() ? code.message() : where + ": " + code.message();
    if (!detail.empty()) text += " (" + detail + ")";
    return text;
}

void throw_exception_from_error(const operation_error& error, const boost::source_location&)
{
    throw boost::system::system_error(error.code, error.where);
}

awaitable<bool> peer_observer::decide(identity)
{
    co_return true;
}

namespace detail {
namespace {

// The failure of a connection attempt. One address: its own error says most. Several: what happened at each.
operation_error connect_failure(const connect_outcome& outcome, const relay_address& relay,
                                session_phase phase)
{
    const std::string where = std::string{"cannot reach "} +
                              (phase == session_phase::entering ? "the room of relay " : "relay ") +
                              escaped(relay.text());
    if (outcome.error != errc::connect_failed || !outcome.detail.empty())
        return failure(outcome.error, phase, where, outcome.detail);
    if (outcome.attempts.size() == 1) return failure(outcome.attempts.front().error, phase, where);
    std::string detail;
    for (const connect_attempt& attempt : outcome.attempts) {
        if (!detail.empty()) detail += "; ";
        detail += to_text(attempt.endpoint) + ": " + attempt.error.message();
    }
    return failure(outcome.error, phase, where, std::move(detail));
}

} // namespace

seat_token new_seat(const session_options& options)
{
    return seat_token::random(options.random() != nullptr ? *options.random() : system_random());
}

connect_options connecting_options(const session_options& options, const seat_token& seat)
{
    connect_options out;
    out.seat = seat;
    out.timeout = options.connect_timeout();
    out.names = options.names();
    out.tls.ca_file = options.ca_file();
    out.proxy = options.proxy();
    return out;
}

awaitable<bool> is_cancelled()
{
    const auto state = co_await asio::this_coro::cancellation_state;
    co_return state.cancelled() != asio::cancellation_type::none;
}

awaitable<void> yield(executor ex)
{
    co_await asio::post(ex, asio::use_awaitable_t<executor>{});
}

operation_error failure(error_code code, session_phase phase, std::string where, std::string detail)
{
    if (code == asio::error::operation_aborted) code = errc::cancelled;
    return {code, phase, std::move(where), std::move(detail)};
}

error_code as_peer_disconnected(error_code error)
{
    if (error == asio::error::eof || error == condition::transport) return errc::peer_disconnected;
    return error;
}

awaitable<operation_result<any_stream>> connect_handshake(const session_options& options, seat_token seat,
                                                          peer_observer& observer)
{
    observer.connecting(options.relay());
    const connect_options connecting = connecting_options(options, seat);
    const std::string where = "connecting to relay " + escaped(options.relay().text());
    bool cancelled = co_await is_cancelled(); // by the observer, which nothing under way has felt
    if (cancelled) co_return failure(errc::cancelled, session_phase::connecting, where);
    auto outcome = co_await connect(options.relay(), stream_kind::handshake, connecting);
    cancelled = co_await is_cancelled();
    if (cancelled) co_return failure(errc::cancelled, session_phase::connecting, where);
    if (outcome.error) co_return connect_failure(outcome, options.relay(), session_phase::connecting);
    observer.connected(outcome.stream.remote_address());
    cancelled = co_await is_cancelled();
    if (cancelled) co_return failure(errc::cancelled, session_phase::connecting, where);
    co_return std::move(outcome.stream);
}

awaitable<operation_result<entered_room>> enter_room(const session_options& options, seat_token seat,
                                                     std::optional<tcp_endpoint> reached,
                                                     const identity& peer, room_end end)
{
    const connect_options connecting = connecting_options(options, seat);
    const std::string where = "entering the room of relay " + escaped(options.relay().text());
    bool cancelled = co_await is_cancelled();
    if (cancelled) co_return failure(errc::cancelled, session_phase::entering, where);
    auto outcome = co_await connect_to_address(reached, options.relay(), stream_kind::room, connecting);
    cancelled = co_await is_cancelled();
    if (cancelled) co_return failure(errc::cancelled, session_phase::entering, where);
    if (outcome.error) co_return connect_failure(outcome, options.relay(), session_phase::entering);

    entered_room room;
    room.stream = std::move(outcome.stream);
    // From the first moment, because the answer may be on its way when this process is killed.
    room.stream.reset_on_close(end == room_end::reset);
    room_entry_machine machine{peer};
    driver_options driving;
    driving.timeout = options.entry_timeout();
    driver<room_entry_machine> drive{room.stream, machine, {}, driving};
    const error_code error = co_await drive.run();
    cancelled = co_await is_cancelled();
    if (cancelled) co_return failure(errc::cancelled, session_phase::entering, where);
    if (error) co_return failure(error, session_phase::entering, where);
    const bytes_view early = drive.leftover();
    room.early.assign(early.begin(), early.end());
    co_return std::move(room);
}

} // namespace detail
} // namespace parley
