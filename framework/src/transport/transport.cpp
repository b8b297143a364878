#include <parley/transport/transport.hpp>

#include <parley/transport/tcp.hpp>
#include <parley/transport/tls.hpp>
#include <parley/transport/unix.hpp>
#include <parley/transport/websocket.hpp>

#include <algorithm>
#include <vector>

namespace parley {
namespace {

// The table of transports: one line each.
std::vector<const transport*>& table()
{
    static std::vector<const transport*> transports{
        &tcp_transport(), &tls_transport(), &ws_transport(), &wss_transport(), &unix_transport(),
    };
    return transports;
}

} // namespace

const transport* find_transport(std::string_view scheme) noexcept
{
    const auto& all = table();
    const auto found =
        std::find_if(all.begin(), all.end(), [&](const transport* t) { return t->scheme == scheme; });
    return found == all.end() ? nullptr : *found;
}

std::span<const transport* const> transports() noexcept
{
    return table();
}

std::string_view connect_step_name(connect_step step) noexcept
{
    switch (step) {
    case connect_step::resolve:
        return "resolve";
    case connect_step::connect:
        return "connect";
    case connect_step::proxy:
        return "proxy";
    case connect_step::tls:
        return "tls";
    case connect_step::upgrade:
        return "upgrade";
    }
    return "unknown";
}

std::vector<std::string> acceptor_base::bound_texts() const
{
    std::vector<std::string> out;
    for (const tcp_endpoint& at : bound()) out.push_back(to_text(at));
    return out;
}

void register_transport(const transport& added)
{
    auto& all = table();
    std::erase_if(all, [&](const transport* t) { return t->scheme == added.scheme; });
    all.push_back(&added);
}

} // namespace parley
