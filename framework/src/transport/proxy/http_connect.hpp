// The client's side of HTTP CONNECT (RFC 9110 section 9.3.6). Private to the framework.
//
//     client -> proxy   CONNECT host:port HTTP/1.1, Host, [Proxy-Authorization: Basic], User-Agent, empty line
//     proxy -> client   the head of an answer, at most 8 KiB with earlier heads of 1xx; 2xx opens the tunnel
#pragma once

#include "transport/proxy/proxy_dialogue.hpp"

#include <parley/transport/proxy.hpp>

namespace parley::detail {

class http_connect final : public proxy_dialogue {
public:
    // `host` is a name or an address without brackets. Fails at once with proxy_refused_destination when an
    // HTTP head cannot hold it. Does not keep a reference to `proxy`.
    http_connect(std::string_view host, std::uint16_t port, const proxy_settings& proxy);

    std::size_t wanted() const noexcept override;
    void receive(bytes_view bytes) override;

private:
    void judge();

    bool has_credentials_;
    std::size_t received_bytes_ = 0; // of all heads
    std::string head_;
};

} // namespace parley::detail
