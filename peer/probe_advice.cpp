#include "peer/probe_command.hpp"

#include <boost/asio/error.hpp>

namespace parley::cli {
namespace {

std::string for_proxy(const error_code& error)
{
    if (error == errc::proxy_not_resolved)
        return "Check the proxy's name in --proxy, PARLEY_PROXY or the variables *_proxy; --proxy none goes "
               "without one.";
    if (error == errc::proxy_unreachable)
        return "Check the proxy's address and port, and that it runs; --proxy none goes without one.";
    if (error == errc::proxy_refused_credentials)
        return "Give the proxy's user name and password by --proxy-auth-file, or in the URL of PARLEY_PROXY.";
    if (error == errc::proxy_refused_destination)
        return "The proxy's rules forbid this host or port: many let port 443 through only, so that a relay "
               "at "
               "wss://HOST is reached. Ask who runs the proxy.";
    if (error == errc::proxy_cannot_connect)
        return "The proxy works, but finds no way to the relay: check the relay's name and port, and that "
               "the "
               "relay runs.";
    return "Something else than such a proxy answers there: check the kind (http:// or socks5://) and the "
           "port.";
}

std::string for_connect(const error_code& error, const relay_address& relay)
{
    if (relay.scheme == "unix")
        return "Check that the relay runs, that it listens on this path, and that this user may write to it.";
    if (error == errc::timed_out)
        return "Nothing answers, and nothing refuses: a firewall on the way drops the packets, or the "
               "address is "
               "wrong. Where only the web is let through, try wss:// or a --proxy.";
    return "Nobody listens there, or a firewall refuses: check the port and that the relay runs. Where only "
           "the "
           "web is let through, try wss:// or a --proxy.";
}

std::string for_handshake(const error_code& error)
{
    if (error == condition::timed_out)
        return "The connection stands, but the relay does not answer: is it a relay that listens there, and "
               "not "
               "its room port? A proxy in front may hold bytes back (nginx: proxy_buffering off).";
    if (error == condition::refused || error == errc::unexpected_end)
        return "What listens there closed the connection: its limits, a draining relay, or no relay at all. "
               "The "
               "relay's log says why.";
    return "What listens there does not speak the relay's protocol: check the port and the transport.";
}

std::string for_room(const error_code& error, const probe_command_options& options)
{
    if (error == errc::room_denied)
        return options.proxy
                   ? "The relay wants both connections of a peer to come from one address, and the proxy "
                     "uses several: ask who runs it, or the relay's operator."
                   : "The relay wants both connections of a peer to come from one address: a proxy in "
                     "front of it must pass on the client's address (PROXY protocol or Forwarded), or "
                     "this network uses several.";
    if (error == errc::room_absent)
        return "The relay joined nobody in the room: with several relays behind one name, both peers must "
               "reach "
               "the same one.";
    if (error == condition::transport || error == condition::timed_out)
        return "The room's port (" + std::to_string(options.relay.room_port) +
               ") cannot be reached or lets nothing through: open it in the firewall, or name another one "
               "after "
               "the port, as in HOST:PORT,ROOM_PORT.";
    return "The relay's room misbehaves; its log may say why.";
}

} // namespace

std::string probe_advice(const probe_step& step, const probe_command_options& options)
{
    const error_code& error = step.error;
    if (error == errc::proxy_not_resolved || error == errc::proxy_unreachable ||
        error == errc::proxy_failed || error == errc::proxy_refused_credentials ||
        error == errc::proxy_refused_destination || error == errc::proxy_cannot_connect ||
        step.name == "proxy")
        return for_proxy(error);
    if (step.name == "resolve")
        return "Check the spelling of the host, and that names are resolved here at all. Where only a proxy "
               "resolves names, give it by --proxy.";
    if (step.name == "connect") return for_connect(error, options.relay);
    if (step.name == "tls")
        return "Check that the relay's certificate is for this name, not expired and complete with its "
               "chain; for "
               "an authority of your own give --ca-file. A port without TLS wants tcp:// or ws://.";
    if (step.name == "upgrade")
        return "Check the path, and that the web server in front passes WebSocket on (nginx: "
               "proxy_http_version "
               "1.1 and the headers Upgrade and Connection).";
    if (step.name == "handshake") return for_handshake(error);
    return for_room(error, options);
}

} // namespace parley::cli
