#include "bench/system_under_test.hpp"

#include <parley/wire/public_packet.hpp>
#include <parley/wire/writer.hpp>

#include <array>
#include <sys/epoll.h>

namespace parley::bench {
namespace {

constexpr std::string_view client_hello = "000001";
constexpr int max_events = 256;

void answer(int fd, const packet_variant& body)
{
    write_all(fd, as_text(encode(relay_uid, body).view()));
}

// Writes to the clients in the order in which they arrived.
void serve_bare(const listening& at)
{
    const int listener = at.socket.get();
    const descriptor epoll{::epoll_create1(EPOLL_CLOEXEC)};
    const identity name = *identity::from_text("127.127.127.127:12345");
    const encoded_packet announcement =
        encode(relay_uid, packet::new_server{uid{1}, format_public({}), name});
    std::vector<int> clients;
    const auto watch = [&](int fd) {
        epoll_event event{EPOLLIN, {}};
        event.data.fd = fd;
        ::epoll_ctl(epoll.get(), EPOLL_CTL_ADD, fd, &event);
    };
    const auto hear = [&](int fd) {
        std::array<char, 64> hello;
        const ssize_t size = ::recv(fd, hello.data(), hello.size(), 0);
        if (size <= 0) {
            std::erase(clients, fd);
            ::close(fd);
        } else if (std::string_view{hello.data(), static_cast<std::size_t>(size)} == client_hello) {
            clients.push_back(fd);
            answer(fd, packet::client_identity{name});
        } else {
            answer(fd, packet::server_identity{name});
            for (const int client : clients)
                ::send(client, announcement.view().data(), announcement.view().size(), MSG_NOSIGNAL);
        }
    };
    watch(listener);
    std::array<epoll_event, max_events> ready;
    for (;;) {
        const int count = ::epoll_wait(epoll.get(), ready.data(), max_events, -1);
        for (int i = 0; i < count; ++i) {
            const int fd = ready[static_cast<std::size_t>(i)].data.fd;
            if (fd != listener) {
                hear(fd);
            } else if (const int got = ::accept4(fd, nullptr, nullptr, SOCK_CLOEXEC); got >= 0) {
                watch(got);
            }
        }
    }
}

} // namespace

system_kind bare_relay_kind()
{
    return forked_relay_kind("bare writes", wire_kind::tcp, &serve_bare);
}

} // namespace parley::bench
