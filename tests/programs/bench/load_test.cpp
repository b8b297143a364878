#include "bench/documents.hpp"
#include "bench/failure.hpp"
#include "bench/first_byte_proxy.hpp"
#include "bench/library_speed.hpp"
#include "bench/load_process.hpp"
#include "bench/memory_world.hpp"
#include "bench/room_ends.hpp"
#include "bench/room_load.hpp"
#include "bench/system_under_test.hpp"
#include "bench/waiting_clients.hpp"

#include <gtest/gtest.h>

#include <csignal>
#include <fstream>

namespace parley::bench {
namespace {

using namespace std::chrono_literals;

TEST(LoadProcess, SharesMemoryAndEndsByItsId)
{
    shared_array<std::atomic<int>> shared{2};
    pid_t pid = 0;
    {
        load_process one{[&] {
            shared[1] = 42;
            ::pause();
        }};
        pid = one.pid();
        const auto limit = std::chrono::steady_clock::now() + 5min;
        while (shared[1] != 42 && std::chrono::steady_clock::now() < limit) ::sched_yield();
        EXPECT_TRUE(one.running());
    }
    EXPECT_EQ(shared[1], 42);
    EXPECT_EQ(shared[0], 0);
    EXPECT_EQ(::kill(pid, 0), -1);
}

TEST(WaitingClients, EveryClientHearsOfAServerOnce)
{
    const std::unique_ptr<system_under_test> relay = bare_relay_kind().start();
    const endpoint relay_at = relay->relay(wire_kind::tcp)->handshake;
    waiting_clients clients{relay_at, 300, 1};
    EXPECT_EQ(clients.heard(), 0u);
    waiting_server server{relay_at, 1000};
    const auto begin = server.appear();
    const auto end = clients.wait_heard(300, 5min);
    EXPECT_GT(end, begin);
    EXPECT_EQ(clients.heard(), 300u);
    EXPECT_THROW(clients.wait_heard(301, 10ms), failure);
}

TEST(MemoryWorld, FanoutAndForward)
{
    memory_world world{200};
    const memory_report report = world.forward(0.02);
    EXPECT_GT(report.packets, 0u);
    EXPECT_GT(report.cpu_seconds, 0);
    EXPECT_EQ(memory_world{50}.fanout().packets, 50u);
}

// Through no program at all: the load counts what arrives, for plain bytes and for frames.
TEST(RoomLoad, CountsWhatEachRoomDelivers)
{
    session s{settings{}};
    std::vector<system_kind> kinds = forwarder_kinds(s);
    const std::unique_ptr<system_under_test> direct = kinds.front().start();
    std::vector<room_ends> rooms;
    rooms.push_back(*join_room(*direct, wire_kind::tcp, wire_kind::tcp, 1));
    rooms.push_back(*join_room(*direct, wire_kind::websocket, wire_kind::websocket, 2));
    EXPECT_FALSE(join_room(*direct, wire_kind::tcp, wire_kind::websocket, 3));
    EXPECT_FALSE(join_room(*direct, wire_kind::tls, wire_kind::tls, 4)); // its backend has no TLS
    room_load load{std::move(rooms)};
    const room_load_report report = load.measure(0.1, {});
    ASSERT_EQ(report.bytes.size(), 2u);
    EXPECT_GT(report.bytes[0], 0u);
    EXPECT_GT(report.bytes[1], 0u);
    EXPECT_EQ(report.system_cpu_seconds, 0);
    EXPECT_GE(report.seconds, 0.1);
}

TEST(FirstByteProxy, TellsWhenTheFirstByteCame)
{
    const listening room = listen_on_loopback();
    const first_byte_proxy between{{wire_kind::tcp, "127.0.0.1", room.port, {}}};
    const descriptor peer = connect_blocking({wire_kind::tcp, "127.0.0.1", between.port(), {}}, any_source);
    const descriptor relay = accept_one(room.socket);
    char line[5], answer[2], first[1];
    ASSERT_TRUE(write_all(peer.get(), "them\n") &&
                ::recv(relay.get(), line, sizeof line, MSG_WAITALL) == std::ssize(line));
    EXPECT_THROW(between.first_byte(), failure);
    ASSERT_TRUE(write_all(relay.get(), "00") &&
                ::recv(peer.get(), answer, sizeof answer, MSG_WAITALL) == std::ssize(answer));
    ASSERT_TRUE(write_all(peer.get(), "x") &&
                ::recv(relay.get(), first, sizeof first, MSG_WAITALL) == std::ssize(first));
    EXPECT_GT(between.first_byte(), 0ns);
    EXPECT_LT(between.first_byte(), 5min);
}

TEST(Documents, AreTheSameEachTimeAndComparedByteForByte)
{
    EXPECT_EQ(random_bytes(1000, 3), random_bytes(1000, 3));
    EXPECT_NE(random_bytes(1000, 3), random_bytes(1000, 4));
    const byte_vector text = compressible_bytes(100'000, 1), noise = random_bytes(100'000, 1);
    EXPECT_LT(zlib_deflate(text, 4).size(), text.size() / 2);
    EXPECT_GT(zlib_deflate(noise, 4).size(), noise.size());
    EXPECT_EQ(zlib_inflate(zlib_deflate(text, 4), text.size()), text);

    const testing::temporary_folder scratch;
    write_small_files(scratch.path() / "a", 150);
    write_small_files(scratch.path() / "b", 150);
    EXPECT_TRUE(same_content(scratch.path() / "a", scratch.path() / "b"));
    EXPECT_GT(content_bytes(scratch.path() / "a"), 150u * 100);
    std::ofstream{scratch.path() / "b" / "0001" / "07", std::ios::app} << "x";
    EXPECT_FALSE(same_content(scratch.path() / "a", scratch.path() / "b"));
    std::filesystem::remove(scratch.path() / "b" / "0001" / "07");
    EXPECT_FALSE(same_content(scratch.path() / "a", scratch.path() / "b"));
    write_document(scratch.path() / "c", 3'000'001, document_content::random);
    EXPECT_EQ(content_bytes(scratch.path() / "c"), 3'000'001u);
    EXPECT_FALSE(same_content(scratch.path() / "c", scratch.path() / "missing"));
}

TEST(LibrarySpeed, WhatIsTimedWorks)
{
    EXPECT_TRUE(sodium_server_derivation());
    EXPECT_TRUE(sodium_server_agreement());
    EXPECT_TRUE(sodium_client_agreement());
    openssl_gcm gcm;
    const byte_vector content = random_bytes(1000, 1);
    byte_vector sealed(1016), opened(1000);
    gcm.seal(content, sealed);
    EXPECT_TRUE(gcm.open(sealed, opened));
    EXPECT_EQ(opened, content);
    sealed[3] ^= 1;
    EXPECT_FALSE(gcm.open(sealed, opened));
}

} // namespace
} // namespace parley::bench
