#include <parley/transport/connect.hpp>

#include "async/one_shot.hpp"
#include "transport/connection_race.hpp"

#include <parley/transport/tcp.hpp>

#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>

#include <memory>

namespace parley {
namespace {

using asio::ip::tcp;

connect_outcome failed(error_code error)
{
    connect_outcome out;
    out.error = error;
    return out;
}

// The sockets of one race. Every handler shares ownership, so a late handler is safe.
class tcp_race : public std::enable_shared_from_this<tcp_race> {
public:
    tcp_race(const executor& ex, std::vector<tcp_endpoint> endpoints, const connect_options& options,
             detail::one_shot<connect_outcome>::handler handler)
        : executor_(ex),
          endpoints_(std::move(endpoints)),
          options_(options),
          race_(endpoints_.size(), options.attempt_delay),
          timer_(ex),
          done_(ex, std::move(handler))
    {
        sockets_.reserve(endpoints_.size());
    }

    void start()
    {
        if (options_.timeout != duration::max()) deadline_ = clock::now() + options_.timeout;
        done_.on_cancel([weak = weak_from_this()] {
            if (const auto self = weak.lock()) self->finish(make_error_code(errc::cancelled));
        });
        advance();
    }

private:
    void advance()
    {
        if (done_.done()) return;
        const time_point now = clock::now();
        if (now >= deadline_) return finish(make_error_code(errc::timed_out));
        for (auto i = race_.next(now); i; i = race_.next(now)) start_attempt(*i);
        if (race_.finished()) return finish(make_error_code(errc::connect_failed));
        wait_until(std::min(race_.next_start(), deadline_));
    }

    void wait_until(time_point when)
    {
        if (when == no_deadline) return;
        timer_.expires_at(when);
        timer_.async_wait([self = shared_from_this()](error_code error) {
            if (!error) self->advance();
        });
    }

    void start_attempt(std::size_t i)
    {
        const tcp_endpoint& endpoint = endpoints_[i];
        attempts_.push_back({endpoint, asio::error::operation_aborted});
        tcp::socket& socket = sockets_.emplace_back(executor_);
        error_code error;
        socket.open(endpoint.protocol(), error);
        if (error) return attempt_failed(i, error); // e.g. a system without IPv6
        socket.async_connect(endpoint, [self = shared_from_this(), i](error_code result) {
            if (self->done_.done()) return;
            if (!result) return self->attempt_succeeded(i);
            self->attempt_failed(i, result);
            self->advance();
        });
    }

    void attempt_failed(std::size_t i, error_code error)
    {
        error_code ignored;
        sockets_[i].close(ignored);
        attempts_[i].error = error;
        race_.failed();
    }

    void attempt_succeeded(std::size_t i)
    {
        race_.succeeded();
        connect_outcome out;
        out.stream = make_tcp_stream(std::move(sockets_[i]), options_.tcp);
        attempts_.erase(attempts_.begin() + static_cast<std::ptrdiff_t>(i));
        finish(std::move(out));
    }

    void finish(error_code error) { finish(failed(error)); }
    void finish(connect_outcome out)
    {
        if (done_.done()) return;
        out.attempts = std::move(attempts_);
        done_.complete(std::move(out));
        timer_.cancel();
        error_code ignored;
        for (tcp::socket& socket : sockets_) socket.close(ignored);
    }

    executor executor_;
    std::vector<tcp_endpoint> endpoints_;
    connect_options options_;
    connection_race race_;
    asio::steady_timer timer_;
    detail::one_shot<connect_outcome> done_;
    time_point deadline_ = no_deadline;
    std::vector<tcp::socket> sockets_;
    std::vector<connect_attempt> attempts_;
};

} // namespace

awaitable<connect_outcome> connect_tcp(std::vector<tcp_endpoint> endpoints, connect_options options)
{
    const executor ex = co_await asio::this_coro::executor;
    endpoints = interleave_families(std::move(endpoints));
    auto outcome =
        co_await asio::async_initiate<const asio::use_awaitable_t<executor>, void(connect_outcome)>(
            [&](auto handler) {
                std::make_shared<tcp_race>(ex, std::move(endpoints), options, std::move(handler))->start();
            },
            asio::use_awaitable);
    co_return outcome;
}

namespace {

awaitable<connect_outcome> connect_by_transport(connect_request request)
{
    const transport* chosen = find_transport(request.address.scheme);
    if (chosen == nullptr || chosen->connect == nullptr)
        co_return failed(make_error_code(errc::unknown_transport));
    auto outcome = co_await chosen->connect(std::move(request));
    co_return outcome;
}

} // namespace

awaitable<connect_outcome> connect(relay_address address, stream_kind kind, connect_options options)
{
    return connect_to_address(std::nullopt, std::move(address), kind, std::move(options));
}

awaitable<connect_outcome> connect_to_address(std::optional<tcp_endpoint> reached, relay_address address,
                                              stream_kind kind, connect_options options)
{
    connect_request request;
    request.address = std::move(address);
    request.kind = kind;
    request.exact = reached;
    request.options = std::move(options);
    return connect_by_transport(std::move(request));
}

result<std::unique_ptr<acceptor_base>> listen(executor ex, const listen_address& address,
                                              const listen_options& options)
{
    const transport* chosen = find_transport(address.scheme);
    if (chosen == nullptr || chosen->listen == nullptr) return make_error_code(errc::unknown_transport);
    return chosen->listen(std::move(ex), address, options);
}

std::string connect_outcome::describe_attempts() const
{
    std::string out;
    for (const connect_attempt& attempt : attempts) {
        out += (out.empty() ? "" : "; ") + to_text(attempt.endpoint) + ": ";
        out += attempt.error == asio::error::operation_aborted ? "no answer" : attempt.error.message();
    }
    return out;
}

std::string connect_outcome::describe() const
{
    std::string out = error ? error.message() : std::string{"connected"};
    for (const std::string& part : {describe_attempts(), detail})
        if (!part.empty()) out += ": " + part;
    return out;
}

} // namespace parley
