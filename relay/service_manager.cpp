#include "relay/service_manager.hpp"

#include <boost/asio/ip/tcp.hpp>

#include <fmt/format.h>
#include <systemd/sd-daemon.h>

#include <cstdlib>
#include <ctime>
#include <sys/socket.h>

namespace parley::relayd {
namespace {

// The address that a listening TCP socket is bound to.
std::optional<listen_address> address_of(int descriptor)
{
    if (::sd_is_socket(descriptor, AF_UNSPEC, SOCK_STREAM, 1) <= 0) return std::nullopt;
    tcp_endpoint at;
    auto size = static_cast<socklen_t>(at.capacity());
    if (::getsockname(descriptor, at.data(), &size) != 0) return std::nullopt;
    const auto family = at.data()->sa_family;
    if (family != AF_INET && family != AF_INET6) return std::nullopt;
    at.resize(size);
    return listen_address{"tcp", at.address().to_string(), at.port()};
}

} // namespace

passed_sockets take_passed_sockets()
{
    passed_sockets out;
    char** names = nullptr;
    const int count = ::sd_listen_fds_with_names(1, &names);
    for (int i = 0; i < count; ++i) {
        const int descriptor = SD_LISTEN_FDS_START + i;
        const std::string name = names[i];
        std::free(names[i]);
        const auto address = address_of(descriptor);
        if (!address) {
            out.wrong = fmt::format(
                "the socket that was passed as descriptor {} is not a listening TCP socket", descriptor);
            continue;
        }
        out.descriptors.push_back(descriptor);
        auto& channel = name == "room" ? out.room : name == "http" ? out.http : out.handshake;
        channel.push_back(*address);
    }
    std::free(names);
    if (count < 0) out.wrong = "cannot take over the sockets that were passed";
    return out;
}

void use_passed_sockets(relay_configuration& configuration, const passed_sockets& sockets)
{
    if (!sockets.handshake.empty()) {
        configuration.listen = sockets.handshake;
        configuration.room_listen.clear(); // these sockets serve both
    }
    if (!sockets.room.empty()) configuration.room_listen = sockets.room;
    if (!sockets.http.empty()) configuration.http_listen = sockets.http;
}

void notify_manager(const std::string& lines)
{
    ::sd_notify(0, lines.c_str());
}

void notify_reloading()
{
    timespec now{};
    ::clock_gettime(CLOCK_MONOTONIC, &now);
    constexpr std::int64_t million = 1'000'000;
    notify_manager(fmt::format("RELOADING=1\nMONOTONIC_USEC={}", now.tv_sec * million + now.tv_nsec / 1000));
}

std::optional<duration> watchdog_interval()
{
    std::uint64_t microseconds = 0;
    if (::sd_watchdog_enabled(0, &microseconds) <= 0) return std::nullopt;
    return std::chrono::microseconds{microseconds};
}

} // namespace parley::relayd
