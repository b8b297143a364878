// Callers of a relay that say one text, for tests of its intake.
#pragma once

#include "support/actors_world.hpp"

namespace parley::test {
namespace {

using namespace std::string_view_literals;

constexpr std::string_view client_hello = "000001";

relay_server_options trusting(std::initializer_list<const char*> networks)
{
    relay_server_options options;
    for (const char* each : networks) EXPECT_TRUE(options.trusted_networks.add(each));
    return options;
}

// What comes of writing `text` to that channel: ends, or is left waiting once `until` has come.
struct caller {
    caller(world& w, std::string_view text, stream_kind channel = stream_kind::handshake)
        : world_(w), peer(w.connect_raw(channel))
    {
        peer.start_reading();
        peer.write(text);
    }
    bool hears(std::string_view until)
    {
        return world_.run_until([&] { return peer.got.find(until) != std::string::npos || peer.ended; },
                                std::chrono::seconds{10}) &&
               peer.got.find(until) != std::string::npos;
    }
    bool is_closed()
    {
        return world_.run_until([&] { return peer.ended.has_value(); }, std::chrono::seconds{10});
    }
    // The identity in the relay's answer to client_hello.
    std::string identity()
    {
        if (!hears(std::string_view{"\0", 1})) return "nothing";
        const std::size_t at = peer.got.find("000003");
        return at == std::string::npos ? "nothing" : std::string{peer.got.c_str() + at + 6};
    }
    world& world_;
    raw_peer peer;
};

std::string upgrade(const std::string& path, const std::string& headers = {},
                    const std::string& kind = "bob.handshake")
{
    return "GET " + path +
           " HTTP/1.1\r\nHost: relay\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: "
           "13\r\n"
           "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Protocol: " +
           kind + "\r\n" + headers + "\r\n";
}

// A binary frame of a client; the mask changes nothing.
std::string frame(std::string_view payload)
{
    std::string out{"\x82"};
    out += static_cast<char>(0x80 | payload.size());
    out += std::string(4, '\0');
    return out + std::string{payload};
}

std::string websocket_hello(const std::string& path, const std::string& headers = {})
{
    return upgrade(path, headers) + frame(client_hello);
}

bool has(const world& w, reject_reason why)
{
    return std::find(w.log.rejections.begin(), w.log.rejections.end(), why) != w.log.rejections.end();
}

} // namespace
} // namespace parley::test
