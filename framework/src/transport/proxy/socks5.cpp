#include "transport/proxy/socks5.hpp"

#include <boost/asio/ip/address.hpp>

#include <algorithm>

namespace parley::detail {
namespace {

constexpr byte version = 5, auth_version = 1, connect_command = 1;
constexpr byte no_credentials = 0, user_and_password = 2, no_method = 0xff;
constexpr byte of_v4 = 1, of_name = 3, of_v6 = 4;

void append(byte_vector& to, bytes_view bytes)
{
    to.insert(to.end(), bytes.begin(), bytes.end());
}

void append_counted(byte_vector& to, bytes_view bytes)
{
    to.push_back(static_cast<byte>(bytes.size()));
    append(to, bytes);
}

struct reply_meaning {
    errc error;
    const char* text;
};

reply_meaning meaning_of(byte reply) noexcept
{
    switch (reply) {
    case 1:
        return {errc::proxy_cannot_connect, "general failure, which some proxies say of an unknown name"};
    case 2:
        return {errc::proxy_refused_destination, "not allowed by its rules"};
    case 3:
        return {errc::proxy_cannot_connect, "the network is unreachable from there"};
    case 4:
        return {errc::proxy_cannot_connect, "the host is unreachable from there"};
    case 5:
        return {errc::proxy_cannot_connect, "the connection was refused"};
    case 6:
        return {errc::proxy_cannot_connect, "the connection timed out on its way"};
    case 7:
        return {errc::proxy_refused_destination, "it makes no connections"};
    case 8:
        return {errc::proxy_refused_destination, "it does not take this kind of address"};
    default:
        return {errc::proxy_failed, "an unknown reply"};
    }
}

} // namespace

socks5::socks5(std::string_view host, std::uint16_t port, const proxy_settings& proxy)
    : proxy_(&proxy), host_(host), port_(port)
{
    if (host.empty() || host.size() > max_socks_text_bytes) {
        fail(errc::proxy_refused_destination, "no such host name can be asked for");
        return;
    }
    if (proxy.user.empty())
        output_ = {version, 1, no_credentials};
    else
        output_ = {version, 2, no_credentials, user_and_password};
}

void socks5::receive(bytes_view bytes)
{
    if (finished()) return;
    append(received_, bytes.first(std::min(bytes.size(), wanted())));
    if (state_ == state::method && received_.front() != version)
        return fail(errc::proxy_failed, received_.front() == 'H'
                                            ? "what answers there speaks HTTP, not SOCKS 5"
                                            : "what answers there does not speak SOCKS 5");
    if (received_.size() == wanted_) take();
}

void socks5::expect(state next, std::size_t size) noexcept
{
    state_ = next;
    wanted_ = size;
    received_.clear();
}

void socks5::take()
{
    const byte first = received_[0];
    switch (state_) {
    case state::method:
        return choose_method();
    case state::status:
        // Some proxies answer with the protocol's version instead of the authentication's.
        if (first != auth_version && first != version)
            return fail(errc::proxy_failed, "its answer to the user name and password is malformed");
        if (received_[1] != 0)
            return fail(errc::proxy_refused_credentials,
                        "SOCKS status " + std::to_string(unsigned{received_[1]}));
        return ask();
    case state::reply:
        if (first != version) return fail(errc::proxy_failed, "its reply is malformed");
        if (received_[1] != 0) {
            const reply_meaning meaning = meaning_of(received_[1]);
            return fail(meaning.error,
                        "SOCKS reply " + std::to_string(unsigned{received_[1]}) + ": " + meaning.text);
        }
        return expect(state::bound_kind, 2);
    case state::bound_kind:
        switch (received_[1]) {
        case of_v4:
            return expect(state::bound_address, 4 + 2);
        case of_v6:
            return expect(state::bound_address, 16 + 2);
        case of_name:
            return expect(state::bound_name_length, 1);
        default:
            return fail(errc::proxy_failed, "its reply is malformed");
        }
    case state::bound_name_length:
        return expect(state::bound_address, std::size_t{first} + 2);
    case state::bound_address: // the proxy's own address, which is not needed
        return finish();
    }
}

void socks5::choose_method()
{
    switch (received_[1]) {
    case no_credentials:
        return ask();
    case user_and_password:
        if (proxy_->user.empty())
            return fail(errc::proxy_failed, "it chose a user name and password, which were not offered");
        output_.reserve(3 + proxy_->user.size() + proxy_->password.size());
        output_.push_back(auth_version);
        append_counted(output_, as_bytes(proxy_->user));
        append_counted(output_, proxy_->password.view());
        return expect(state::status, 2);
    case no_method:
        return fail(errc::proxy_refused_credentials,
                    proxy_->user.empty() ? "it asks for a user name and password"
                                         : "it takes neither a user name and password nor nobody");
    default:
        return fail(errc::proxy_failed, "it chose a method that was not offered");
    }
}

void socks5::ask()
{
    append(output_, byte_vector{version, connect_command, 0});
    error_code not_an_address;
    const auto address = asio::ip::make_address(host_, not_an_address);
    if (not_an_address) {
        output_.push_back(of_name);
        append_counted(output_, as_bytes(host_));
    } else if (address.is_v4()) {
        output_.push_back(of_v4);
        append(output_, address.to_v4().to_bytes());
    } else {
        output_.push_back(of_v6);
        append(output_, address.to_v6().to_bytes());
    }
    output_.push_back(static_cast<byte>(port_ >> 8));
    output_.push_back(static_cast<byte>(port_ & 0xff));
    expect(state::reply, 2);
}

} // namespace parley::detail
