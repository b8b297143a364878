#include "bench/first_byte_proxy.hpp"

#include "bench/failure.hpp"

#include <array>
#include <cerrno>
#include <cstring>
#include <poll.h>
#include <string_view>
#include <vector>

namespace parley::bench {
namespace {

constexpr std::size_t opening = 0, first = 1;

std::int64_t now_ns()
{
    return std::chrono::steady_clock::now().time_since_epoch().count();
}

} // namespace

first_byte_proxy::first_byte_proxy(const endpoint& room)
    : listener_(listen_on_loopback()), moments_(2), process_([this, room] { forward(room); })
{
}

void first_byte_proxy::forward(const endpoint& room)
{
    const descriptor peer = accept_one(listener_.socket);
    const descriptor relay = connect_blocking(room, any_source);
    std::vector<char> buffer(256u << 10);
    std::array<pollfd, 2> ends{pollfd{peer.get(), POLLIN, 0}, pollfd{relay.get(), POLLIN, 0}};
    bool line_passed = false;
    for (unsigned open = 2; open > 0;) {
        if (::poll(ends.data(), ends.size(), -1) < 0) continue;
        for (std::size_t i = 0; i < ends.size(); ++i) {
            if (ends[i].revents == 0) continue;
            const int other = ends[1 - i].fd >= 0 ? ends[1 - i].fd : (i == 0 ? relay : peer).get();
            const ssize_t size = ::recv(i == 0 ? peer.get() : relay.get(), buffer.data(), buffer.size(), 0);
            if (size <= 0) {
                ::shutdown(other, SHUT_WR);
                ends[i].fd = -1;
                --open;
                continue;
            }
            const std::string_view bytes{buffer.data(), static_cast<std::size_t>(size)};
            if (i == 1 && moments_[opening].load() == 0) moments_[opening].store(now_ns());
            if (i == 0 && line_passed && moments_[first].load() == 0) moments_[first].store(now_ns());
            if (i == 0 && bytes.find('\n') != std::string_view::npos) line_passed = true;
            if (!write_all(other, bytes)) return;
        }
    }
}

std::chrono::nanoseconds first_byte_proxy::first_byte() const
{
    const std::int64_t opened = moments_[opening].load(), came = moments_[first].load();
    if (opened == 0 || came == 0) throw failure{"no byte has passed the proxy"};
    return std::chrono::nanoseconds{came - opened};
}

} // namespace parley::bench
