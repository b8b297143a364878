#include "session/session_steps.hpp"

#include <parley/crypto/random.hpp>

#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>

namespace parley {

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

awaitable<bool> peer_observer::decide_document(identity, offered_document)
{
    co_return true;
}

namespace detail {

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

awaitable<operation_error> step_result(error_code error, session_phase phase, std::string where)
{
    const bool cancelled = co_await is_cancelled();
    if (cancelled) error = errc::cancelled;
    co_return error ? failure(error, phase, std::move(where)) : operation_error{};
}

error_code as_peer_disconnected(error_code error)
{
    if (error == asio::error::eof || error == condition::transport) return errc::peer_disconnected;
    return error;
}

random_source& random_of(const session_options& options)
{
    return options.random() != nullptr ? *options.random() : system_random();
}

} // namespace detail
} // namespace parley
