#include "peer/connection_advice.hpp"
#include "peer/probe_command.hpp"

#include <boost/asio/error.hpp>

namespace parley::cli {
namespace {

std::string for_proxy(const error_code& error)
{
    if (error == errc::proxy_not_resolved)
        return "Check the proxy's name in --proxy, PARLEY_PROXY or the *_proxy variables. To connect without "
               "a proxy, use --proxy none.";
    if (error == errc::proxy_unreachable)
        return "Check the proxy's address and port, and that it runs. To connect without a proxy, use "
               "--proxy none.";
    if (error == errc::proxy_refused_credentials)
        return "Give the proxy's user name and password with --proxy-auth-file, or in the URL of "
               "PARLEY_PROXY.";
    if (error == errc::proxy_refused_destination)
        return "The proxy's rules forbid this host or port. Many proxies allow only port 443; a relay at "
               "wss://HOST has that port. Ask the proxy's operator.";
    if (error == errc::proxy_cannot_connect)
        return "The proxy works but cannot connect to the relay. Check the relay's name and port, and that "
               "the relay runs.";
    return "The program that answers there is not a proxy of this kind. Check http:// or socks5://, and the "
           "port.";
}

std::string for_connect(const error_code& error, const relay_address& relay)
{
    if (relay.scheme == "unix")
        return "Check that the relay runs, that it listens on this path, and that this user may write to it.";
    if (error == errc::timed_out)
        return "Nothing answered: a firewall on the path drops the packets, or the address is wrong. If only "
               "web traffic is allowed here, try wss:// or --proxy.";
    return "Nothing listens there, or a firewall rejected the connection: check the port, and that the relay "
           "runs. If only web traffic is allowed here, try wss:// or --proxy.";
}

std::string for_handshake(const error_code& error)
{
    if (error == condition::timed_out)
        return "The connection was made, but the relay does not answer. Check that a relay listens there, "
               "and that this is not its room port. A proxy in front of it may hold bytes back (nginx: "
               "proxy_buffering off).";
    if (error == condition::refused || error == errc::unexpected_end)
        return "The other end closed the connection: the relay's limits, a relay that is draining, or no "
               "relay at all. The relay's log says why.";
    return "The program that listens there does not speak the relay's protocol. Check the port and the "
           "transport.";
}

std::string for_room(const error_code& error, const probe_command_options& options)
{
    if (error == errc::room_denied)
        return options.proxy
                   ? "The relay requires both connections of a peer to come from one address, but the proxy "
                     "uses several. Ask the operator of the proxy or of the relay."
                   : "The relay requires both connections of a peer to come from one address. A proxy in "
                     "front of the relay must pass on the client's address (PROXY protocol or Forwarded), or "
                     "this network uses several addresses.";
    if (error == errc::room_absent)
        return "The relay joined nobody in the room. If several relays share one name, both peers must reach "
               "the same one.";
    if (error == condition::transport || error == condition::timed_out)
        return "The room port (" + std::to_string(options.relay.room_port) +
               ") cannot be reached or passes nothing. Open it in the firewall, or name another room port "
               "after the port: HOST:PORT,ROOM_PORT.";
    return "The relay's room does not follow the protocol. The relay's log may say why.";
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
    const std::string_view advice = connection_advice(error);
    if (!advice.empty()) return std::string{advice};
    if (step.name == "resolve") return std::string{connection_advice(errc::name_not_resolved)};
    if (step.name == "connect") return for_connect(error, options.relay);
    if (step.name == "tls")
        return "Check that the relay's certificate is for this name, has not expired, and comes with its "
               "chain. For an authority of your own use --ca-file. For a port without TLS use tcp:// or "
               "ws://.";
    if (step.name == "upgrade") return std::string{connection_advice(errc::upgrade_refused)};
    if (step.name == "handshake") return for_handshake(error);
    return for_room(error, options);
}

} // namespace parley::cli
