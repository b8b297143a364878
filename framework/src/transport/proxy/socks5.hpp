// The client's side of SOCKS 5 (RFC 1928) with user names and passwords (RFC 1929). Private to the framework.
//
//     client -> proxy   05 || number of methods || methods: 00 none, 02 user name and password
//     proxy -> client   05 || method, ff = none of them
//     client -> proxy   01 || length || user name || length || password              after method 02 only
//     proxy -> client   01 || status, 00 = right
//     client -> proxy   05 01 00 || address || port u16be
//     proxy -> client   05 || reply, 00 = connected || 00 || address || port u16be
//     address = 01 IPv4 (4) | 03 length name | 04 IPv6 (16)
#pragma once

#include "transport/proxy/proxy_dialogue.hpp"

#include <parley/transport/proxy.hpp>

namespace parley::detail {

inline constexpr std::size_t max_socks_text_bytes = 255; // of a user name, a password, a host name

class socks5 final : public proxy_dialogue {
public:
    // `host` is a name, which the proxy resolves, or an address without brackets. Fails at once with
    // proxy_refused_destination for a name above 255 bytes. `proxy` must outlive the dialogue.
    socks5(std::string_view host, std::uint16_t port, const proxy_settings& proxy);

    std::size_t wanted() const noexcept override { return wanted_ - received_.size(); }
    void receive(bytes_view bytes) override;
    bool owes_answer() const noexcept override { return state_ == state::method; }

private:
    enum class state : byte { method, status, reply, bound_kind, bound_name_length, bound_address };

    void expect(state next, std::size_t size) noexcept;
    void take();
    void choose_method();
    void ask();

    const proxy_settings* proxy_;
    std::string host_;
    std::uint16_t port_;
    state state_ = state::method;
    std::size_t wanted_ = 2; // bytes of the current part
    byte_vector received_;   // received bytes of that part; at most 257
};

} // namespace parley::detail
