// A recorded conversation between reference peers and the reference relay, as in its file.
#pragma once

#include <parley/crypto/record_cipher.hpp>

#include <unit/proto/support.hpp>
#include <unit/wire/vector_files.hpp>

#include <algorithm>
#include <map>
#include <stdexcept>

namespace parley::test {

inline byte_vector unhex(const nlohmann::json& text)
{
    auto out = from_hex(text.get<std::string>());
    if (!out.ok) throw std::runtime_error("not hexadecimal");
    return std::move(out.bytes);
}

inline void append(byte_vector& to, bytes_view more)
{
    to.insert(to.end(), more.begin(), more.end());
}

enum class happening { open, from_peer, from_peer_end, to_peer, to_peer_end };

struct recorded_event {
    std::uint32_t connection = 0;
    std::string peer;
    bool room = false;
    happening what = happening::open;
    std::string address; // of an open: the peer's identity
    byte_vector bytes;
};

// A scalar that a peer drew, and the bytes for which it drew it: a client for a server's public, a server for
// a client's X.
struct recorded_scalar {
    byte_vector drawn_for;
    byte_vector value;
};

struct recorded_peer {
    std::string name;
    bool sends = false;
    std::vector<recorded_scalar> scalars;
    std::string password; // empty if the recording does not contain it
    bool killed = false;  // by the recorder, at some moment
    bool has_keys = false;
    std::string room_identity, k0, k1;
    byte_vector plaintext; // the sender's document stream
};

struct transcript {
    record_layout layout = record_layout::current;
    std::vector<recorded_peer> peers;
    std::vector<recorded_event> events;

    const recorded_peer& peer(const std::string& name) const
    {
        return *std::find_if(peers.begin(), peers.end(), [&](const auto& p) { return p.name == name; });
    }
    // All bytes of one direction of a connection.
    byte_vector stream(std::uint32_t connection, happening direction) const
    {
        byte_vector out;
        for (const auto& e : events)
            if (e.connection == connection && e.what == direction) append(out, e.bytes);
        return out;
    }
    // The number of a peer's connection for the handshake or the room; 0 if it made none.
    std::uint32_t connection_of(const std::string& name, bool room) const
    {
        for (const auto& e : events)
            if (e.peer == name && e.room == room) return e.connection;
        return 0;
    }
    std::uint32_t connections() const
    {
        std::uint32_t most = 0;
        for (const auto& e : events) most = std::max(most, e.connection);
        return most + 1;
    }
};

inline recorded_peer read_peer(const nlohmann::json& j)
{
    recorded_peer p;
    p.name = j.at("peer");
    p.sends = j.at("kind") == "send";
    p.killed = j.value("exit_status", 0) < 0;
    const std::vector<std::string> arguments = j.at("arguments");
    if (p.sends) {
        const auto option = std::find(arguments.begin(), arguments.end(), "-p");
        if (option != arguments.end() && option + 1 != arguments.end()) p.password = option[1];
    } else if (!arguments.empty()) {
        p.password = arguments.back();
    }
    for (const auto& step : j.at("spoke_trace")) {
        if (step.at("step") == "hello") {
            p.scalars.push_back({unhex(step.at("public")), unhex(step.at("x"))});
            p.password = std::string{as_text(unhex(step.at("password")))};
        } else if (step.at("step") == "server_compute") {
            p.scalars.push_back({unhex(step.at("X")), unhex(step.at("y"))});
        }
    }
    for (const auto& keys : j.at("keys")) {
        p.has_keys = true;
        p.room_identity = keys.at("room_identity");
        p.k0 = keys.at("k0");
        p.k1 = keys.at("k1");
    }
    if (j.contains("pack_stream_plaintext")) p.plaintext = unhex(j.at("pack_stream_plaintext"));
    return p;
}

inline recorded_event read_event(const nlohmann::json& j)
{
    recorded_event e;
    e.connection = j.at("conn");
    e.peer = j.at("peer");
    e.room = j.at("leg") == "room";
    e.bytes = unhex(j.at("hex"));
    const std::string dir = j.at("dir");
    constexpr std::string_view opening = "open (as seen by the relay: ";
    if (dir.starts_with(opening)) {
        e.address = dir.substr(opening.size(), dir.size() - opening.size() - 1);
    } else if (dir.starts_with("peer->relay")) {
        e.what = dir == "peer->relay" ? happening::from_peer : happening::from_peer_end; // EOF, ERR
    } else if (dir.starts_with("relay->peer")) {
        e.what = dir == "relay->peer" ? happening::to_peer : happening::to_peer_end;
    } else {
        throw std::runtime_error("unknown event: " + dir);
    }
    return e;
}

inline transcript read_transcript(const std::filesystem::path& file)
{
    const nlohmann::json j = read_json(file);
    transcript t;
    t.layout = j.at("layout") == "20-byte nonce" ? record_layout::current : record_layout::original;
    for (const auto& p : j.at("peers")) t.peers.push_back(read_peer(p));
    for (const auto& e : j.at("events")) t.events.push_back(read_event(e));
    return t;
}

// A packet with its bytes in the stream.
struct raw_packet {
    message packet;
    byte_vector bytes;
};

// Takes the packets of a stream as they arrive.
class raw_packet_reader {
public:
    void feed(bytes_view bytes, std::vector<raw_packet>& out)
    {
        append(held_, bytes);
        while (!bytes.empty()) {
            const auto parsed = parser_.parse(bytes);
            if (!parsed) throw std::runtime_error("malformed packet: " + parsed.error().message());
            if (!*parsed) break;
            const auto size = static_cast<std::ptrdiff_t>(held_.size() - bytes.size());
            out.push_back({**parsed, byte_vector(held_.begin(), held_.begin() + size)});
            held_.erase(held_.begin(), held_.begin() + size);
        }
    }

private:
    packet_parser parser_;
    byte_vector held_;
};

// The files of the transcripts as test parameters, named after the files.
inline std::string name_of_file(const ::testing::TestParamInfo<std::filesystem::path>& info)
{
    std::string name = info.param.stem().string();
    for (char& c : name)
        if (!std::isalnum(static_cast<unsigned char>(c))) c = '_';
    return name;
}

} // namespace parley::test
