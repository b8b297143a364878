#include <parley/transport/tcp.hpp>

#include "transport/socket_tuning.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/v6_only.hpp>
#include <boost/asio/steady_timer.hpp>

#include <algorithm>
#include <sys/socket.h>

namespace parley {
namespace {

using asio::ip::tcp;

constexpr int max_port_tries = 16; // to find one port that is free in both IP families
constexpr int max_retry_delay_factor = 20;

// Whether an error of accept(2) concerns only the one connection that it would have given.
bool concerns_one_connection(const error_code& error)
{
    if (error.category() != boost::system::system_category()) return false;
    switch (error.value()) {
    case ECONNABORTED:
    case ECONNRESET:
    case EPROTO:
    case ENOPROTOOPT:
    case ENETDOWN:
    case ENETUNREACH:
    case EHOSTDOWN:
    case EHOSTUNREACH:
    case ENONET:
    case EPERM:
        return true; // refused by a firewall
    default:
        return false;
    }
}

// What the acceptor and its handlers share; handlers that come after stop() find it alive.
struct accept_state {
    explicit accept_state(listen_options o) : options(std::move(o)) {}

    listen_options options;
    std::function<void(any_stream)> on_stream;
    bool stopped = false;
};

// The accept loop of one socket address.
class accept_lane : public std::enable_shared_from_this<accept_lane> {
public:
    accept_lane(tcp::acceptor acceptor, std::shared_ptr<accept_state> state)
        : acceptor_(std::move(acceptor)),
          retry_(acceptor_.get_executor()),
          state_(std::move(state)),
          delay_(state_->options.retry_delay)
    {
    }

    void accept()
    {
        if (state_->stopped) return;
        const executor ex = acceptor_.get_executor();
        // A socket on the context's own executor type makes every wait on it smaller.
        if (const auto* plain = ex.target<asio::io_context::executor_type>())
            accept_on(*plain);
        else
            accept_on(ex);
    }

    void stop() noexcept
    {
        error_code ignored;
        acceptor_.close(ignored);
        retry_.cancel();
    }

    tcp_endpoint bound() const { return bound_; }
    void remember_bound() noexcept
    {
        error_code ignored;
        bound_ = acceptor_.local_endpoint(ignored);
    }

private:
    template <class Executor>
    void accept_on(const Executor& ex)
    {
        acceptor_.async_accept(ex, [self = shared_from_this()](error_code error, auto socket) {
            self->on_accept(error, std::move(socket));
        });
    }

    template <class Socket>
    void on_accept(error_code error, Socket socket)
    {
        if (state_->stopped) return;
        if (!error) {
            delay_ = state_->options.retry_delay;
            // The options are inherited from the listening socket.
            state_->on_stream(detail::adopt_tcp_socket(std::move(socket)));
            return accept();
        }
        if (state_->options.on_error) state_->options.on_error(error);
        if (state_->stopped) return;
        if (concerns_one_connection(error)) return accept();
        retry_.expires_after(delay_);
        delay_ = std::min(delay_ * 2, state_->options.retry_delay * max_retry_delay_factor);
        retry_.async_wait([self = shared_from_this()](error_code cancelled) {
            if (!cancelled) self->accept();
        });
    }

    tcp::acceptor acceptor_;
    asio::steady_timer retry_;
    std::shared_ptr<accept_state> state_;
    duration delay_;
    tcp_endpoint bound_;
};

class tcp_acceptor final : public acceptor_base {
public:
    tcp_acceptor(std::vector<tcp::acceptor> acceptors, const listen_options& options)
        : state_(std::make_shared<accept_state>(options))
    {
        for (tcp::acceptor& acceptor : acceptors)
            lanes_.push_back(std::make_shared<accept_lane>(std::move(acceptor), state_));
        for (const auto& lane : lanes_) lane->remember_bound();
    }
    ~tcp_acceptor() override { tcp_acceptor::stop(); }

    void start(std::function<void(any_stream)> on_stream) override
    {
        state_->on_stream = std::move(on_stream);
        for (const auto& lane : lanes_) lane->accept();
    }

    void stop() noexcept override
    {
        state_->stopped = true;
        for (const auto& lane : lanes_) lane->stop();
    }

    std::vector<tcp_endpoint> bound() const override
    {
        std::vector<tcp_endpoint> out;
        for (const auto& lane : lanes_) out.push_back(lane->bound());
        return out;
    }

private:
    std::shared_ptr<accept_state> state_;
    std::vector<std::shared_ptr<accept_lane>> lanes_;
};

// The listening socket among those that this process was given that is bound to `endpoint`; -1 when none is.
int passed_socket(const tcp_endpoint& endpoint, const listen_options& options)
{
    for (const int descriptor : options.passed_sockets) {
        tcp_endpoint at;
        auto size = static_cast<socklen_t>(at.capacity());
        if (::getsockname(descriptor, at.data(), &size) != 0 || size > at.capacity()) continue;
        at.resize(size);
        if (at.protocol() == endpoint.protocol() && at == endpoint) return descriptor;
    }
    return -1;
}

error_code open_one(tcp::acceptor& acceptor, const tcp_endpoint& endpoint, const listen_options& options)
{
    error_code error;
    if (const int passed = passed_socket(endpoint, options); passed >= 0) {
        acceptor.assign(endpoint.protocol(), passed, error);
        if (!error) detail::tune_socket(acceptor.native_handle(), options.tcp);
        return error;
    }
    acceptor.open(endpoint.protocol(), error);
    if (error) return error;
    // One family a socket: what both share would make the bound addresses depend on the system's settings.
    if (endpoint.address().is_v6()) acceptor.set_option(asio::ip::v6_only{true}, error);
    if (!error) acceptor.set_option(tcp::acceptor::reuse_address{true}, error);
    if (error) return error;
    detail::tune_socket(acceptor.native_handle(), options.tcp);
    acceptor.bind(endpoint, error);
    if (!error) acceptor.listen(options.backlog, error);
    return error;
}

bool lacks_family(const error_code& error)
{
    return error == asio::error::address_family_not_supported ||
           error == boost::system::errc::address_not_available;
}

// Binds all of `endpoints`; those with port 0 all get the port of the first.
result<std::vector<tcp::acceptor>> open_all(const executor& ex, std::vector<tcp_endpoint> endpoints,
                                            bool any_family, const listen_options& options)
{
    std::vector<tcp::acceptor> out;
    error_code last;
    for (tcp_endpoint endpoint : endpoints) {
        tcp::acceptor acceptor{ex};
        if (endpoint.port() == 0 && !out.empty()) endpoint.port(out.front().local_endpoint().port());
        last = open_one(acceptor, endpoint, options);
        if (!last)
            out.push_back(std::move(acceptor));
        else if (!any_family || !lacks_family(last))
            return last;
    }
    if (out.empty()) return last;
    return out;
}

} // namespace

result<std::unique_ptr<acceptor_base>> listen_tcp(executor ex, const listen_address& address,
                                                  const listen_options& options)
{
    const std::vector<tcp_endpoint> endpoints = address.endpoints();
    if (endpoints.empty()) return make_error_code(errc::bad_address);
    const bool any_family = endpoints.size() > 1;
    const int tries = any_family && address.port == 0 ? max_port_tries : 1;
    error_code last;
    for (int i = 0; i < tries; ++i) {
        auto acceptors = open_all(ex, endpoints, any_family, options);
        if (acceptors) return std::make_unique<tcp_acceptor>(std::move(*acceptors), options);
        last = acceptors.error();
        if (last != asio::error::address_in_use) break;
    }
    return last;
}

} // namespace parley
