// Replays every recorded conversation with our relay machine and room broker in the place of the reference
// relay. Given what the peers sent, they must answer on every connection byte for byte as the reference did,
// except for the differences that PROTOCOL.md section 10 allows:
//
//   only ours sends        | because
//   closed u (u not 0)     | a peer's candidates learn at once that it has gone; the reference tells them
//                          | when a write fails
//   refused, to a server   | the reference swallows it
//   (nothing)              | the reference injects an end record (ffffffff) into a room when one side ends
#include <parley/proto/relay_machine.hpp>
#include <parley/proto/room_broker.hpp>

#include <unit/proto/transcript.hpp>

namespace parley::test {
namespace {

using namespace std::chrono_literals;

class relay_replay {
public:
    explicit relay_replay(const transcript& t) : t_{t}, connections_(t.connections()) {}

    void run()
    {
        for (const auto& e : t_.events) {
            now_ += 1ms;
            step(e);
        }
        for (std::uint32_t c = 0; c < connections_.size(); ++c) {
            SCOPED_TRACE("connection " + std::to_string(c));
            compare(c);
            if (connections_[c].alive) end(c);
        }
        drain();
        EXPECT_EQ(relay_.count().connections, 0U);
        broker_.expire(now_ + 24h);
        drain();
        EXPECT_EQ(broker_.count().agreements, 0U);
        EXPECT_EQ(broker_.count().waiting, 0U);
    }

private:
    struct connection {
        bool room = false, alive = false, closed_by_us = false, end_recorded = false, malformed = false;
        packet_parser parser;
        byte_vector ours, recorded;
        std::uint32_t partner = 0; // in a room
        byte_vector early;         // sent before the room was joined
    };

    static connection_id id(std::uint32_t c) { return connection_id{c}; }
    static std::uint32_t number(connection_id c) { return static_cast<std::uint32_t>(c); }

    void step(const recorded_event& e)
    {
        connection& c = connections_[e.connection];
        switch (e.what) {
        case happening::open:
            c.room = e.room;
            c.alive = true;
            if (e.room)
                broker_.connect(id(e.connection), named(e.address));
            else
                relay_.connect(id(e.connection), named(e.address), now_);
            break;
        case happening::from_peer:
            if (!c.alive || c.closed_by_us) break;
            e.room ? room_bytes(e.connection, e.bytes) : handshake_bytes(e.connection, e.bytes);
            break;
        case happening::from_peer_end:
            if (c.alive) end(e.connection);
            break;
        case happening::to_peer:
            append(c.recorded, e.bytes);
            if (!e.room && as_text(e.bytes).find("00000f") != std::string_view::npos)
                relay_.expire(std::max(now_, relay_.next_deadline()));
            if (e.room && as_text(c.recorded) == "01") {
                broker_.expire(std::max(now_, broker_.next_deadline()));
            }
            drain();
            compare(e.connection); // not sent later than by the reference
            break;
        case happening::to_peer_end:
            c.end_recorded = true;
            break;
        }
        drain();
    }

    void handshake_bytes(std::uint32_t c, bytes_view input)
    {
        while (!input.empty() && !connections_[c].closed_by_us) {
            const auto packet = connections_[c].parser.parse(input);
            if (!packet) {
                connections_[c].malformed = true;
                relay_.receive_malformed(id(c), packet.error(), now_);
            } else if (*packet) {
                relay_.receive(id(c), **packet, now_);
            }
            drain();
        }
    }

    void room_bytes(std::uint32_t c, bytes_view input)
    {
        if (connections_[c].partner == 0) {
            broker_.receive(id(c), input, now_);
            append(connections_[c].early, input);
            drain();
            return;
        }
        copy(c, input);
    }

    // The pipe of a room.
    void copy(std::uint32_t from, bytes_view bytes)
    {
        connection& to = connections_[connections_[from].partner];
        if (to.alive) append(to.ours, bytes);
    }

    void end(std::uint32_t c)
    {
        connections_[c].alive = false;
        if (!connections_[c].room)
            relay_.disconnect(id(c), now_);
        else if (connections_[c].partner == 0)
            broker_.disconnect(id(c));
    }

    void drain()
    {
        while (const auto action = relay_.next_action()) {
            if (const auto* send = std::get_if<relay_action::send>(&*action)) {
                connection& c = connections_[number(send->to)];
                EXPECT_FALSE(c.closed_by_us);
                append(c.ours, send->packet->view());
            } else if (const auto* close = std::get_if<relay_action::close>(&*action)) {
                connections_[number(close->which)].closed_by_us = true;
            } else if (const auto* agree = std::get_if<relay_action::agree>(&*action)) {
                broker_.agree(agree->client, agree->server, now_);
            }
        }
        while (const auto action = broker_.next_action()) {
            if (const auto* answer = std::get_if<room_action::answer>(&*action)) {
                append(connections_[number(answer->to)].ours, encode(answer->code));
                if (answer->code != room_answer::joined) connections_[number(answer->to)].closed_by_us = true;
            } else {
                const auto& join = std::get<room_action::join>(*action);
                connections_[number(join.client)].partner = number(join.server);
                connections_[number(join.server)].partner = number(join.client);
                for (const auto c : {join.client, join.server})
                    copy(number(c), std::exchange(connections_[number(c)].early, {}));
            }
        }
    }

    void compare(std::uint32_t at)
    {
        const connection& c = connections_[at];
        if (c.closed_by_us && !c.recorded.empty() && at < connections_.size()) {
            // Every connection that ours closed was closed by the reference, too.
            const bool later = std::any_of(t_.events.begin(), t_.events.end(), [&](const auto& e) {
                return e.connection == at && e.what == happening::to_peer_end;
            });
            EXPECT_TRUE(later);
        }
        c.room ? compare_room(c) : compare_handshake(c);
    }

    static bool ours_alone_may_say(const connection& c, const message& m)
    {
        if (const auto* closed = std::get_if<packet::closed>(&m.body))
            return m.peer == relay_uid && (c.malformed || closed->gone != relay_uid);
        return std::holds_alternative<packet::refused>(m.body);
    }

    static void compare_handshake(const connection& c)
    {
        std::vector<raw_packet> ours, recorded;
        raw_packet_reader{}.feed(c.ours, ours);
        raw_packet_reader{}.feed(c.recorded, recorded);
        auto mine = ours.begin();
        std::vector<message> said_alone;
        for (const auto& theirs : recorded) {
            // The reference may still send what ours sent early.
            if (std::erase(said_alone, theirs.packet) != 0) continue;
            while (mine != ours.end() && mine->bytes != theirs.bytes && ours_alone_may_say(c, mine->packet))
                said_alone.push_back((mine++)->packet);
            if (mine == ours.end() || mine->bytes != theirs.bytes) {
                ADD_FAILURE() << "the reference said: " << text_of(theirs.packet)
                              << "\nours: " << (mine == ours.end() ? "nothing" : text_of(mine->packet));
                return;
            }
            ++mine;
        }
        // What ours sent beyond the recorded stream may be recorded later, or only ours sends it. The end of
        // the stream tells.
        for (; mine != ours.end() && c.end_recorded; ++mine)
            EXPECT_TRUE(ours_alone_may_say(c, mine->packet)) << "ours alone said: " << text_of(mine->packet);
    }

    static void compare_room(const connection& c)
    {
        bytes_view recorded{c.recorded};
        const bytes_view ours{c.ours};
        constexpr std::array<byte, 4> end_record{0xff, 0xff, 0xff, 0xff};
        const auto begins = [](bytes_view whole, bytes_view part) {
            return part.size() <= whole.size() && std::equal(part.begin(), part.end(), whole.begin());
        };
        if (!begins(ours, recorded) && recorded.size() >= 4 &&
            std::ranges::equal(recorded.last(4), end_record))
            recorded = recorded.first(recorded.size() - 4);
        EXPECT_TRUE(begins(ours, recorded)) << to_hex(recorded) << "\n" << to_hex(ours);
    }

    const transcript& t_;
    std::vector<connection> connections_;
    relay_machine relay_{relay_options{.announcement_interval = duration::zero()}};
    room_broker broker_;
    time_point now_{};
};

class relay_transcripts : public ::testing::TestWithParam<std::filesystem::path> {};

TEST_P(relay_transcripts, our_relay_answers_as_the_reference)
{
    const transcript t = read_transcript(GetParam());
    relay_replay{t}.run();
}

INSTANTIATE_TEST_SUITE_P(recorded, relay_transcripts, ::testing::ValuesIn(json_files("transcripts")),
                         name_of_file);

} // namespace
} // namespace parley::test
