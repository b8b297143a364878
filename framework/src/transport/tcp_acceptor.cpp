#include <parley/transport/tcp.hpp>

#include "transport/accept_loop.hpp"
#include "transport/socket_tuning.hpp"

#include <boost/asio/ip/v6_only.hpp>

#include <sys/socket.h>

namespace parley {
namespace {

using asio::ip::tcp;

constexpr int max_port_tries = 16; // to find a port that is free in both IP families
struct adopt_tcp {
    template <class Socket>
    any_stream operator()(Socket socket) const
    {
        return detail::adopt_tcp_socket(std::move(socket)); // it inherits the listening socket's options
    }
};
using tcp_accept_loop = detail::accept_loop<tcp::acceptor, adopt_tcp>;

class tcp_acceptor final : public acceptor_base {
public:
    tcp_acceptor(std::vector<tcp::acceptor> acceptors, const listen_options& options)
    {
        error_code ignored;
        for (tcp::acceptor& acceptor : acceptors) {
            bound_.push_back(acceptor.local_endpoint(ignored));
            loops_.push_back(std::make_shared<tcp_accept_loop>(std::move(acceptor), options));
        }
    }
    ~tcp_acceptor() override { tcp_acceptor::stop(); }

    void start(std::function<void(any_stream)> on_stream) override
    {
        for (const auto& loop : loops_) loop->start(on_stream);
    }
    void stop() noexcept override
    {
        for (const auto& loop : loops_) loop->stop();
    }
    std::vector<tcp_endpoint> bound() const override { return bound_; }

private:
    std::vector<std::shared_ptr<tcp_accept_loop>> loops_;
    std::vector<tcp_endpoint> bound_;
};

// The passed listening socket that is bound to `endpoint`; -1 when there is none.
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
    // One address family for each socket: with a shared socket, the bound addresses would depend on the
    // system's settings.
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

// Binds all of `endpoints`. Those with port 0 all get the port of the first.
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
