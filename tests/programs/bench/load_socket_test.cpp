#include "bench/load_socket.hpp"

#include "bench/documents.hpp"
#include "bench/failure.hpp"
#include "bench/load_loop.hpp"
#include "bench/load_process.hpp"
#include "bench/session.hpp"
#include "bench/system_under_test.hpp"

#include <gtest/gtest.h>
#include <openssl/ssl.h>

namespace parley::bench {
namespace {

using namespace std::chrono_literals;

// A TLS server that sends back what one connection after the other sends.
class echo_server {
public:
    echo_server() : files_(make_certificate(folder_.path())), server_([this] { serve(); }) {}
    endpoint at(wire_kind kind) const { return {kind, "127.0.0.1", listener_.port, "/"}; }
    const certificate_files& files() const { return files_; }

private:
    void serve() const
    {
        SSL_CTX* context = ::SSL_CTX_new(::TLS_server_method());
        if (::SSL_CTX_use_certificate_file(context, files_.certificate.c_str(), SSL_FILETYPE_PEM) != 1 ||
            ::SSL_CTX_use_PrivateKey_file(context, files_.key.c_str(), SSL_FILETYPE_PEM) != 1)
            throw failure{"the certificate cannot be used"};
        for (;;) {
            const descriptor peer{::accept(listener_.socket.get(), nullptr, nullptr)};
            SSL* tls = ::SSL_new(context);
            ::SSL_set_fd(tls, peer.get());
            std::array<char, 16384> buffer;
            if (::SSL_accept(tls) == 1)
                for (int size = 0; (size = ::SSL_read(tls, buffer.data(), buffer.size())) > 0;)
                    if (::SSL_write(tls, buffer.data(), size) != size) break;
            ::SSL_free(tls);
        }
    }

    testing::temporary_folder folder_;
    certificate_files files_;
    listening listener_ = listen_on_loopback();
    load_process server_;
};

class collector final : public load_connection {
public:
    using load_connection::load_connection;
    byte_vector greeting, got;
    bool opened = false, ended = false;
    int error = 0;

private:
    void on_open() override
    {
        opened = true;
        send(greeting);
    }
    void on_bytes(mutable_bytes bytes) override { got.insert(got.end(), bytes.begin(), bytes.end()); }
    void on_end(int why) override
    {
        ended = true;
        error = why;
    }
};

std::chrono::steady_clock::time_point patience()
{
    return std::chrono::steady_clock::now() + 5min;
}

TEST(LoadSocket, TlsCarriesBytesOnTheLoop)
{
    const echo_server server;
    load_loop loop;
    collector one{loop};
    one.greeting = random_bytes(300'000, 7); // many records, and more than the sockets take at once
    one.open(server.at(wire_kind::tls), any_source, {});
    ASSERT_TRUE(
        loop.run_until([&] { return one.ended || one.got.size() >= one.greeting.size(); }, patience()));
    EXPECT_TRUE(one.opened);
    EXPECT_EQ(one.got, one.greeting);
}

TEST(LoadSocket, TlsCarriesBytesWhenBlocking)
{
    const echo_server server;
    load_socket socket = connect_socket(server.at(wire_kind::tls), any_source);
    ASSERT_TRUE(write_all(socket, "hello"));
    char back[5]{};
    ASSERT_EQ(socket.recv(back, sizeof back), 5);
    EXPECT_EQ(std::string_view(back, 5), "hello");
    EXPECT_FALSE(socket.has_pending());
    set_blocking(socket.get(), false);
    EXPECT_EQ(socket.recv(back, sizeof back), -1);
    EXPECT_EQ(errno, EAGAIN);
}

TEST(LoadSocket, AServerWithoutTlsEndsTheConnection)
{
    const listening listener = listen_on_loopback();
    const load_process server{[&] {
        const descriptor peer = accept_one(listener.socket);
        write_all(peer.get(), "I speak something else\n");
        ::pause();
    }};
    load_loop loop;
    collector one{loop};
    one.open({wire_kind::tls, "127.0.0.1", listener.port, {}}, any_source, {});
    ASSERT_TRUE(loop.run_until([&] { return one.ended; }, patience()));
    EXPECT_FALSE(one.opened);
    EXPECT_EQ(one.error, EPROTO);
    EXPECT_FALSE(one.is_open());
}

TEST(LoadSocket, ACertificateIsMadeOnlyWhereItCanBeWritten)
{
    EXPECT_THROW(make_certificate("/nonexistent"), failure);
}

TEST(Endpoint, ReadsEveryTransport)
{
    for (const wire_kind kind : all_wires) {
        const bool local = kind == wire_kind::local;
        const std::string text =
            local ? "unix:/a/b"
                  : std::string{wire_name(kind)} + "://127.0.0.1:7" + (has_frames(kind) ? "/x" : ",8");
        const relay_endpoints endpoints = parse_relay(text);
        EXPECT_EQ(endpoints.handshake.kind, kind) << text;
        EXPECT_EQ(endpoints.room.kind, kind) << text;
        EXPECT_EQ(endpoints.room.port, local ? 0 : has_frames(kind) ? 7 : 8) << text;
        EXPECT_EQ(endpoints.room.host, local ? "/a/b.room" : "127.0.0.1") << text;
    }
    EXPECT_THROW(parse_relay("carrier-pigeon://127.0.0.1:7"), failure);
}

} // namespace
} // namespace parley::bench
