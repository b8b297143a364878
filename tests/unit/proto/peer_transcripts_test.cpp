// Replays every recorded conversation with our machine in the place of each reference peer in turn. Given the
// peer's password and scalars and what the reference relay sent, the machine must send exactly the recorded
// bytes and end with the recorded keys. The records of the room must open to the recorded document, and our
// writer must write them byte for byte.
#include <parley/proto/client_machine.hpp>
#include <parley/proto/record_stream.hpp>
#include <parley/proto/room_line.hpp>
#include <parley/proto/server_machine.hpp>

#include <unit/proto/transcript.hpp>

#include <set>

namespace parley::test {
namespace {

// Returns the scalar that was drawn at this point of the recording.
class recorded_random final : public random_source {
public:
    void fill(mutable_bytes out) noexcept override
    {
        std::fill(out.begin(), out.end(), byte{8}); // a scalar that was not recorded, but not zero
        if (next.size() == out.size()) std::copy(next.begin(), next.end(), out.begin());
        next.clear();
    }
    byte_vector next;
};

class scalar_book {
public:
    explicit scalar_book(std::vector<recorded_scalar> scalars) : left_{std::move(scalars)} {}
    byte_vector take(bytes_view drawn_for)
    {
        const auto found = std::find_if(left_.begin(), left_.end(), [&](const auto& s) {
            return std::ranges::equal(s.drawn_for, drawn_for);
        });
        if (found == left_.end()) return {};
        byte_vector value = std::move(found->value);
        left_.erase(found);
        return value;
    }

private:
    std::vector<recorded_scalar> left_;
};

// The part of the packet for which its receiver draws a scalar.
byte_vector drawn_for(const message& m)
{
    byte_vector out;
    if (const auto* p = std::get_if<packet::new_server>(&m.body)) append(out, p->public_packet);
    if (const auto* p = std::get_if<packet::x_and_client_identity>(&m.body)) append(out, p->x);
    return out;
}

// Runs a machine on one recorded handshake connection.
template <Machine M>
class peer_replay {
public:
    peer_replay(const transcript& t, const recorded_peer& p, recorded_random& random, M machine)
        : t_{t}, peer_{p}, scalars_{p.scalars}, random_{random}, machine_{std::move(machine)}
    {
    }

    void run(std::uint32_t connection)
    {
        drain();
        for (const auto& e : t_.events) {
            if (e.connection != connection) continue;
            if (e.what == happening::to_peer) receive(e.bytes);
            if (e.what == happening::to_peer_end) machine_.receive_end();
            if (e.what == happening::from_peer) {
                append(recorded_, e.bytes);
                decide(e.bytes);
            }
            drain();
            if (e.what == happening::from_peer) check_causality();
        }
        // A killed peer may not have sent everything.
        if (peer_.killed && sent_.size() > recorded_.size()) sent_.resize(recorded_.size());
        EXPECT_EQ(to_hex(sent_), to_hex(recorded_));
    }

    const M& machine() const { return machine_; }
    const agreement* agreed() const { return agreed_ ? &*agreed_ : nullptr; }

private:
    void receive(bytes_view bytes)
    {
        std::vector<raw_packet> packets;
        from_relay_.feed(bytes, packets);
        for (const auto& p : packets) {
            if (byte_vector scalar = scalars_.take(drawn_for(p.packet)); !scalar.empty())
                random_.next = std::move(scalar);
            bytes_view input{p.bytes};
            machine_.receive(input);
            drain();
            if constexpr (std::is_same_v<M, client_machine>) derive_now(machine_);
            drain();
        }
    }

    // Gives the recorded user's answers as soon as they are recorded and the machine has the offer.
    void decide(bytes_view bytes)
    {
        std::vector<raw_packet> packets;
        from_peer_.feed(bytes, packets);
        for (const auto& p : packets) {
            if (std::holds_alternative<packet::accepted>(p.packet.body)) yes_.insert(p.packet.peer);
            if (std::holds_alternative<packet::refused>(p.packet.body)) no_.insert(p.packet.peer);
        }
        if constexpr (std::is_same_v<M, client_machine>) {
            std::erase_if(yes_, [&](uid server) { return machine_.accept(server); });
            std::erase_if(no_, [&](uid server) { return machine_.refuse(server); });
        }
    }

    void check_causality()
    {
        ASSERT_GE(sent_.size(), recorded_.size()) << "the reference had said more by then";
    }

    void drain()
    {
        append(sent_, machine_.output());
        machine_.consume_output(machine_.output().size());
        while (auto event = machine_.next_event())
            std::visit(
                [&](auto& e) {
                    if constexpr (requires { e.result; }) agreed_ = std::move(e.result);
                },
                *event);
    }

    const transcript& t_;
    const recorded_peer& peer_;
    scalar_book scalars_;
    recorded_random& random_;
    M machine_;
    raw_packet_reader from_relay_, from_peer_;
    std::set<uid> yes_, no_;
    byte_vector sent_, recorded_;
    std::optional<agreement> agreed_;
};

void check_keys(const recorded_peer& p, const agreement* agreed)
{
    ASSERT_EQ(agreed != nullptr, p.has_keys);
    if (agreed == nullptr) return;
    EXPECT_EQ(agreed->peer.text(), p.room_identity);
    EXPECT_EQ(to_hex(agreed->keys.k0.view()), p.k0);
    EXPECT_EQ(to_hex(agreed->keys.k1.view()), p.k1);
}

bool holds(bytes_view stream, std::string_view packet)
{
    return as_text(stream).find(packet) != std::string_view::npos;
}

// The peer enters its room, and the machine reads the recorded answer. Returns what follows it in the stream.
byte_vector enter(const transcript& t, std::uint32_t room, const identity& other, byte_vector& sent_after)
{
    room_entry_machine entry{other};
    const byte_vector sent = t.stream(room, happening::from_peer);
    const bytes_view line = entry.output();
    EXPECT_LE(line.size(), sent.size());
    EXPECT_EQ(as_text(line), as_text(bytes_view{sent}.first(std::min(line.size(), sent.size()))));
    sent_after.assign(sent.begin() + static_cast<std::ptrdiff_t>(std::min(line.size(), sent.size())),
                      sent.end());
    entry.consume_output(line.size());

    const byte_vector got = t.stream(room, happening::to_peer);
    bytes_view input{got};
    entry.receive(input);
    EXPECT_TRUE(entry.finished() || got.size() < 2);
    EXPECT_EQ(!entry.error(), as_text(got).starts_with("00"));
    return {input.begin(), input.end()};
}

// The records open to the sender's document, and our writer writes the same records.
void check_records(const transcript& t, const session_keys& keys, bytes_view records, bytes_view plaintext)
{
    auto reader = record_reader::create(keys.cipher0, keys.k0);
    auto writer = record_writer::create(keys.cipher0, t.layout, keys.k0);
    ASSERT_TRUE(reader && writer);
    byte_vector opened, written;
    bytes_view input = records;
    while (!input.empty()) {
        const auto got = reader->read(input);
        ASSERT_TRUE(got) << got.error().message();
        append(opened, got->bytes);
        byte_vector again(record_writer::sealed_bytes(got->bytes.size()));
        ASSERT_TRUE(writer->write(got->bytes, again));
        append(written, again);
    }
    // A directory's last record may carry junk after the trailer, which the recorded document does not
    // include.
    ASSERT_GE(opened.size(), plaintext.size());
    EXPECT_TRUE(std::equal(plaintext.begin(), plaintext.end(), opened.begin()));
    EXPECT_TRUE(opened.empty() || reader->layout() == t.layout);
    ASSERT_LE(written.size(), records.size());
    EXPECT_TRUE(std::equal(written.begin(), written.end(), records.begin()));
}

// The sender whose document a receiver with these keys got.
const recorded_peer* sender_with(const transcript& t, const std::string& k0)
{
    for (const auto& p : t.peers)
        if (p.sends && p.has_keys && p.k0 == k0) return &p;
    return nullptr;
}

class peer_transcripts : public ::testing::TestWithParam<std::filesystem::path> {};

TEST_P(peer_transcripts, our_client_takes_each_receivers_place)
{
    const transcript t = read_transcript(GetParam());
    for (const auto& p : t.peers) {
        const std::uint32_t handshake = t.connection_of(p.name, false);
        if (p.sends || handshake == 0) continue;
        SCOPED_TRACE(p.name);
        recorded_random random;
        peer_replay replay{t, p, random, client_machine{secret_bytes{p.password}, random}};
        replay.run(handshake);
        check_keys(p, replay.agreed());
        if (holds(t.stream(handshake, happening::to_peer), "00000f")) {
            EXPECT_EQ(replay.machine().error(), errc::timed_out_by_relay);
        }

        const std::uint32_t room = t.connection_of(p.name, true);
        if (room == 0 || replay.agreed() == nullptr) continue;
        byte_vector sent;
        const byte_vector records = enter(t, room, replay.agreed()->peer, sent);
        const recorded_peer* const sender = sender_with(t, p.k0);
        if (sender != nullptr && !records.empty())
            check_records(t, replay.agreed()->keys, records, sender->plaintext);
    }
}

TEST_P(peer_transcripts, our_server_takes_each_senders_place)
{
    const transcript t = read_transcript(GetParam());
    for (const auto& p : t.peers) {
        const std::uint32_t handshake = t.connection_of(p.name, false);
        if (!p.sends || handshake == 0) continue;
        SCOPED_TRACE(p.name);
        const byte_vector stream = t.stream(handshake, happening::from_peer);
        std::vector<raw_packet> sent_packets;
        raw_packet_reader{}.feed(stream, sent_packets);
        ASSERT_FALSE(sent_packets.empty());
        const auto& hello = std::get<packet::hello_as_a_server>(sent_packets[0].packet.body);
        const auto parameters = parse_public(hello.public_packet);
        ASSERT_TRUE(parameters);
        auto exchange = spoke_server::create(as_bytes(p.password), *parameters);
        ASSERT_TRUE(exchange);
        recorded_random random;
        peer_replay replay{t, p, random, server_machine{std::move(*exchange), random}};
        replay.run(handshake);
        check_keys(p, replay.agreed());
        if (holds(t.stream(handshake, happening::to_peer), "00000f")) {
            EXPECT_EQ(replay.machine().error(), errc::timed_out_by_relay);
        }

        const std::uint32_t room = t.connection_of(p.name, true);
        if (room == 0 || replay.agreed() == nullptr) continue;
        byte_vector records;
        enter(t, room, replay.agreed()->peer, records);
        if (!records.empty()) check_records(t, replay.agreed()->keys, records, p.plaintext);
    }
}

INSTANTIATE_TEST_SUITE_P(recorded, peer_transcripts, ::testing::ValuesIn(json_files("transcripts")),
                         name_of_file);

} // namespace
} // namespace parley::test
