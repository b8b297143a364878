#include "relay/intake/relay_listeners.hpp"

#include <parley/transport/connect.hpp>
#include <parley/transport/tcp.hpp>
#include <parley/transport/tls.hpp>

namespace parley::detail {
namespace {

listener_policy_ptr policy_of(const listen_address& address, const transport& by,
                              relay_listeners::use for_what)
{
    auto out = std::make_shared<listener_policy>();
    out->serves = by.serves;
    if (for_what == relay_listeners::use::room) out->channel = relay_channel::room;
    if (for_what == relay_listeners::use::answers) {
        out->serves.streams = false;
        out->serves.http = out->only_answers = true;
    }
    if (!by.local) out->path = address.path;
    return out;
}

} // namespace

error_code relay_listeners::add(const listen_address& address, use for_what, const listen_options& options,
                                const tls_identity* tls)
{
    const transport* by = find_transport(address.scheme);
    if (by == nullptr) return errc::unknown_transport;
    if (!by->serves.plain && (!tls || !tls->current())) return errc::tls_failed;
    auto made = listen(executor_, address, options);
    if (!made) return made.error();
    // The acceptor's own text says tcp; this one names the transport that it serves.
    const bool prefixed = by->listen == tcp_transport().listen && by != &tcp_transport();
    listeners_.push_back({std::move(*made), for_what, policy_of(address, *by, for_what), by->has_path(),
                          prefixed ? address.scheme + "://" : std::string{},
                          prefixed ? address.path : std::string{}});
    return {};
}

std::vector<tcp_endpoint> relay_listeners::bound(use for_what) const
{
    std::vector<tcp_endpoint> out;
    for (const listener& each : listeners_) {
        if (each.for_what != for_what) continue;
        const auto some = each.acceptor->bound();
        out.insert(out.end(), some.begin(), some.end());
    }
    return out;
}

void relay_listeners::append_texts(std::vector<std::string>& out, const listener& from) const
{
    for (const std::string& text : from.acceptor->bound_texts())
        out.push_back(from.text_before + text + from.text_behind);
}

std::vector<std::string> relay_listeners::texts(use for_what) const
{
    std::vector<std::string> out;
    bool own = false;
    for (const listener& each : listeners_)
        if (each.for_what == for_what) {
            append_texts(out, each);
            own = true;
        }
    if (for_what == use::answers) return out;
    const use other = for_what == use::handshake ? use::room : use::handshake;
    for (const listener& each : listeners_)
        if (each.for_what == other && (each.one_url || !own)) append_texts(out, each);
    return out;
}

void relay_listeners::start(std::function<void(any_stream, listener_policy_ptr)> on_stream)
{
    for (const listener& each : listeners_)
        each.acceptor->start(
            [on_stream, policy = each.policy](any_stream stream) { on_stream(std::move(stream), policy); });
}

void relay_listeners::stop_but_answers() noexcept
{
    for (const listener& each : listeners_)
        if (each.for_what != use::answers) each.acceptor->stop();
}

void relay_listeners::stop() noexcept
{
    for (const listener& each : listeners_) each.acceptor->stop();
}

} // namespace parley::detail
