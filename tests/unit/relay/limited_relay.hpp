// For tests of a relay's limits: a relay in virtual time, peers that only read, pairs that agree and join.
#pragma once

#include "support/actors_world.hpp"

#include <algorithm>

namespace parley::test {
namespace {

relay_server_options limited(const std::function<void(relay_limits&)>& set)
{
    relay_server_options options;
    options.time = nullptr; // the world's: no real time passes, and each deadline comes exactly
    set(options.limits);
    return options;
}

std::size_t count(const world& w, reject_reason why)
{
    return static_cast<std::size_t>(std::count(w.log.rejections.begin(), w.log.rejections.end(), why));
}

struct peer : raw_peer {
    peer(world& w, stream_kind kind, const std::string& host) : raw_peer(w.connect_raw(kind, host))
    {
        start_reading();
    }
};

// Two that have agreed; the relay has closed them.
struct agreed_peers {
    agreed_peers(world& w, const std::string& a, const std::string& b)
        : client(w, stream_kind::handshake, a), server(w, stream_kind::handshake, b)
    {
        server.write(relay_uid, packet::hello_as_a_server{});
        EXPECT_TRUE(w.run_until([&] { return server.got.ends_with('\0'); }));
        server_identity = server.got.substr(6, server.got.size() - 7);
        client.write(relay_uid, packet::hello_as_a_client{});
        const std::string announcement = server_identity + '\0';
        EXPECT_TRUE(w.run_until([&] { return client.got.ends_with(announcement); }));
        client_identity = client.got.substr(6, client.got.find('\0') - 6);
        const std::string uid = client.got.substr(client_identity.size() + 7 + 6, 4);
        client.write(uid + "07" + std::string(32, 'x') + client_identity + '\0');
        EXPECT_TRUE(w.run_until([&] { return server.got.find("07x") != std::string::npos; }));
        server.write(server.got.substr(server.got.find("07x") - 4, 4) + "08");
        EXPECT_TRUE(w.run_until([&] { return client.got.ends_with(uid + "08"); }));
        client.write(uid + "0a");
        EXPECT_TRUE(w.run_until([&] { return client.ended && server.ended; }));
    }
    peer client, server;
    std::string client_identity, server_identity;
};

// Two that have agreed, and come to their room.
struct pair_in_room {
    explicit pair_in_room(world& w, const std::string& a = "10.0.0.21", const std::string& b = "10.0.0.22")
    {
        const agreed_peers agreed{w, a, b};
        first.emplace(w, stream_kind::room, a);
        second.emplace(w, stream_kind::room, b);
        first->write(agreed.server_identity + "\n");
        second->write(agreed.client_identity + "\n");
        EXPECT_TRUE(w.run_until([&] { return !first->got.empty() && !second->got.empty(); }));
    }
    bool joined() const { return first->got.starts_with("00") && second->got.starts_with("00"); }

    std::optional<peer> first, second; // client, server
};

} // namespace
} // namespace parley::test
