#include "bench/room_ends.hpp"

#include "bench/failure.hpp"
#include "bench/load_websocket.hpp"

#include <parley/wire/parser.hpp>
#include <parley/wire/public_packet.hpp>
#include <parley/wire/writer.hpp>

namespace parley::bench {
namespace {

constexpr std::size_t end_read_bytes = 4096;

// A blocking stream of bytes over any of the transports.
class blocking_stream {
public:
    blocking_stream(const endpoint& to, source_number source, std::string_view protocol)
        : socket_(connect_socket(to, source)), frames_(has_frames(to.kind)), name_(to.text())
    {
        if (frames_) open_websocket(socket_, to, protocol);
    }

    void write(bytes_view bytes)
    {
        byte_vector framed;
        if (frames_) append_frame(framed, bytes);
        if (!write_all(socket_, as_text(frames_ ? bytes_view{framed} : bytes)))
            throw system_failure("write to " + name_, errno);
    }

    // Reads at least one byte and appends to `out`.
    void read(byte_vector& out)
    {
        std::array<byte, end_read_bytes> piece;
        const std::size_t before = out.size();
        while (out.size() == before) {
            const ssize_t size = socket_.recv(piece.data(), piece.size());
            if (size < 0) throw system_failure("read from " + name_, errno);
            if (size == 0) throw failure{name_ + " closed the connection"};
            const mutable_bytes got{piece.data(), static_cast<std::size_t>(size)};
            const std::size_t kept = frames_ ? reader_.receive(got, pongs_) : got.size();
            if (kept == 0 && reader_.failed()) throw failure{name_ + " closed the WebSocket"};
            out.insert(out.end(), got.begin(), got.begin() + static_cast<std::ptrdiff_t>(kept));
        }
    }

    load_socket take() { return std::move(socket_); }

private:
    load_socket socket_;
    bool frames_;
    std::string name_;
    frame_reader reader_;
    byte_vector pongs_;
};

class handshake_stream {
public:
    handshake_stream(const endpoint& to, source_number source) : stream_(to, source, "bob.handshake") {}

    void send(uid to, const packet_variant& body) { stream_.write(encode(to, body).view()); }

    message next()
    {
        for (;;) {
            bytes_view input{pending_};
            const result<std::optional<message>> parsed = parser_.parse(input);
            pending_.erase(pending_.begin(), pending_.end() - static_cast<std::ptrdiff_t>(input.size()));
            if (!parsed) throw failure{"the relay sent no packet: " + parsed.error().message()};
            if (*parsed) return **parsed;
            stream_.read(pending_);
        }
    }

    // Returns the next packet of that type and ignores others.
    template <class Packet>
    message expect()
    {
        for (;;) {
            const message got = next();
            if (std::holds_alternative<Packet>(got.body)) return got;
            if (std::holds_alternative<packet::closed>(got.body) && got.peer == relay_uid &&
                std::get<packet::closed>(got.body).gone == relay_uid)
                throw failure{"the relay closed a handshake"};
        }
    }

private:
    blocking_stream stream_;
    packet_parser parser_;
    byte_vector pending_;
};

// Both ends are in the room when both have read two zeros. The bytes after them belong to the room.
void expect_joined(blocking_stream& stream)
{
    byte_vector answer;
    while (answer.size() < 2) stream.read(answer);
    if (answer.size() != 2 || answer[0] != '0' || answer[1] != '0')
        throw failure{"the relay did not join a room: " + escaped(as_text(answer))};
}

room_ends join_through_relay(const relay_endpoints& sender, const relay_endpoints& receiver, unsigned number)
{
    const introduced pair = introduce(sender.handshake, receiver.handshake, number);
    blocking_stream from{sender.room, number, "bob.room"};
    blocking_stream to{receiver.room, number, "bob.room"};
    from.write(as_bytes(pair.server_line));
    to.write(as_bytes(pair.client_line));
    expect_joined(from);
    expect_joined(to);
    return {from.take(), to.take(), has_frames(sender.room.kind), has_frames(receiver.room.kind)};
}

room_ends join_through_forwarder(const system_under_test& by, const endpoint& front, unsigned number)
{
    room_ends out;
    out.sender = connect_socket(front, number);
    out.sender_frames = out.receiver_frames = has_frames(front.kind);
    if (!out.sender_frames) {
        out.receiver = load_socket{accept_one(*by.listener())};
        return out;
    }
    // The program passes the request on, and the receiver must answer it before the sender reads the answer.
    if (!write_all(out.sender, upgrade_request(front, "bob.room"))) throw system_failure(front.text(), errno);
    out.receiver = load_socket{accept_one(*by.listener())};
    answer_websocket(out.receiver);
    expect_upgraded(out.sender, front);
    return out;
}

void verify(room_ends& ends)
{
    byte_vector sent(8192), frame, got;
    for (std::size_t i = 0; i < sent.size(); ++i) sent[i] = static_cast<byte>(i * 7 + i / 256);
    if (ends.sender_frames) append_frame(frame, sent);
    if (!write_all(ends.sender, as_text(ends.sender_frames ? frame : sent)))
        throw system_failure("the first message of a room", errno);
    frame_reader reader;
    byte_vector pongs;
    while (got.size() < sent.size()) {
        std::array<byte, end_read_bytes> piece;
        const ssize_t size = ends.receiver.recv(piece.data(), piece.size());
        if (size <= 0) throw failure{"the first message of a room did not arrive"};
        const mutable_bytes bytes{piece.data(), static_cast<std::size_t>(size)};
        const std::size_t kept = ends.receiver_frames ? reader.receive(bytes, pongs) : bytes.size();
        got.insert(got.end(), bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(kept));
        if (reader.failed()) break;
    }
    if (got != sent) throw failure{"a room changed what passed through it"};
}

} // namespace

introduced introduce(const endpoint& server_to, const endpoint& client_to, source_number source)
{
    handshake_stream server{server_to, source};
    public_parameters shown;
    store_be(shown.salt.data(), source);
    const public_packet_bytes mine = format_public(shown);
    server.send(relay_uid, packet::hello_as_a_server{mine});
    const message server_identity = server.expect<packet::server_identity>();

    handshake_stream client{client_to, source};
    client.send(relay_uid, packet::hello_as_a_client{});
    const message client_identity = client.expect<packet::client_identity>();
    uid to;
    do {
        const message announced = client.expect<packet::new_server>();
        const auto& body = std::get<packet::new_server>(announced.body);
        if (body.public_packet == mine) to = body.server;
    } while (to == relay_uid);
    // A relay accepts `accepted` as an agreement only after it has forwarded the server's `agreement`.
    client.send(to, packet::x_and_client_identity{
                        {}, std::get<packet::client_identity>(client_identity.body).identity});
    server.send(server.expect<packet::x_and_client_identity>().peer, packet::agreement{});
    client.expect<packet::agreement>();
    client.send(to, packet::accepted{});
    client.expect<packet::done>();
    server.expect<packet::accepted>();
    const auto line = [](const identity& who) { return std::string{who.text()} + "\n"; };
    return {line(std::get<packet::client_identity>(client_identity.body).identity),
            line(std::get<packet::server_identity>(server_identity.body).identity)};
}

struct waiting_server::state {
    handshake_stream stream;
};

waiting_server::waiting_server(const endpoint& relay_at, source_number source)
    : state_(new state{handshake_stream{relay_at, source}})
{
}

std::chrono::steady_clock::time_point waiting_server::appear()
{
    const auto now = std::chrono::steady_clock::now();
    state_->stream.send(relay_uid, packet::hello_as_a_server{format_public({})});
    state_->stream.expect<packet::server_identity>();
    return now;
}

waiting_server::~waiting_server() = default;

std::optional<room_ends> join_room(const system_under_test& by, wire_kind sender, wire_kind receiver,
                                   unsigned number)
{
    room_ends out;
    const std::optional<relay_endpoints> from = by.relay(sender), to = by.relay(receiver);
    const std::optional<endpoint> front = sender == receiver ? by.front(sender) : std::nullopt;
    if (from && to)
        out = join_through_relay(*from, *to, number);
    else if (front)
        out = join_through_forwarder(by, *front, number);
    else
        return std::nullopt;
    verify(out);
    return out;
}

} // namespace parley::bench
