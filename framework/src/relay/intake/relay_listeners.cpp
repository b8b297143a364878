#include "relay/intake/relay_listeners.hpp"

#include <parley/transport/connect.hpp>
#include <parley/transport/tcp.hpp>
#include <parley/transport/tls.hpp>
#include <parley/transport/unix.hpp>

namespace parley::detail {
namespace {

// What a listener of that scheme serves; null: the transport does everything itself.
std::shared_ptr<listener_policy> policy_of(const listen_address& address, relay_listeners::use for_what)
{
    auto out = std::make_shared<listener_policy>();
    const std::string_view scheme = address.scheme;
    if (scheme == tls_transport().scheme)
        out->plain = out->http = false;
    else if (scheme == ws_transport().scheme)
        out->tls = out->streams = false;
    else if (scheme == wss_transport().scheme)
        out->plain = out->streams = false;
    else if (scheme != tcp_transport().scheme && scheme != unix_transport().scheme)
        return nullptr;
    if (for_what == relay_listeners::use::room) out->channel = relay_channel::room;
    if (for_what == relay_listeners::use::answers) {
        out->streams = false;
        out->http = out->only_answers = true;
    }
    if (address.scheme != unix_transport().scheme) out->path = address.path;
    return out;
}

} // namespace

error_code relay_listeners::add(const listen_address& address, use for_what, const listen_options& options)
{
    const transport* by = find_transport(address.scheme);
    if (by == nullptr) return errc::unknown_transport;
    const auto policy = policy_of(address, for_what);
    if (!policy && for_what == use::answers) return errc::bad_address;
    if (policy && !policy->plain && (!options.tls || !options.tls->current())) return errc::tls_failed;
    // TLS and HTTP are taken off by the intake, so that TCP is all that is listened on.
    const bool over_tcp = policy && !by->local;
    auto made = over_tcp ? listen_tcp(executor_, address, options) : listen(executor_, address, options);
    if (!made) return made.error();
    const bool prefixed = over_tcp && by != &tcp_transport();
    doors_.push_back({std::move(*made), for_what, policy, by->has_path(),
                      prefixed ? address.scheme + "://" : std::string{},
                      prefixed ? address.path : std::string{}});
    return {};
}

std::vector<tcp_endpoint> relay_listeners::bound(use for_what) const
{
    std::vector<tcp_endpoint> out;
    for (const channel& each : doors_) {
        if (each.for_what != for_what) continue;
        const auto some = each.acceptor->bound();
        out.insert(out.end(), some.begin(), some.end());
    }
    return out;
}

void relay_listeners::append_texts(std::vector<std::string>& out, const channel& from) const
{
    for (const std::string& text : from.acceptor->bound_texts())
        out.push_back(from.text_before + text + from.text_behind);
}

std::vector<std::string> relay_listeners::texts(use for_what) const
{
    std::vector<std::string> out;
    bool own = false;
    for (const channel& each : doors_)
        if (each.for_what == for_what) {
            append_texts(out, each);
            own = true;
        }
    if (for_what == use::answers) return out;
    const use other = for_what == use::handshake ? use::room : use::handshake;
    for (const channel& each : doors_)
        if (each.for_what == other && (each.one_url || !own)) append_texts(out, each);
    return out;
}

void relay_listeners::start(std::function<void(any_stream, listener_policy_ptr)> on_stream)
{
    for (const channel& each : doors_)
        each.acceptor->start([on_stream, policy = each.policy, for_what = each.for_what](any_stream stream) {
            if (policy) return on_stream(std::move(stream), policy);
            const auto kind = stream.kind();
            auto bare = std::make_shared<listener_policy>();
            bare->channel = kind == stream_kind::room || (!kind && for_what == use::room)
                                ? relay_channel::room
                                : relay_channel::handshake;
            bare->tls = bare->http = false;
            on_stream(std::move(stream), std::move(bare));
        });
}

void relay_listeners::stop_but_answers() noexcept
{
    for (const channel& each : doors_)
        if (each.for_what != use::answers) each.acceptor->stop();
}

void relay_listeners::stop() noexcept
{
    for (const channel& each : doors_) each.acceptor->stop();
}

} // namespace parley::detail
