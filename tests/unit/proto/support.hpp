// Shared by the tests of proto: packets written as text, and machines run by scripts.
#pragma once

#include <parley/proto/guess_report.hpp>
#include <parley/proto/machine.hpp>
#include <parley/testing/seeded_random.hpp>
#include <parley/wire/parser.hpp>
#include <parley/wire/writer.hpp>

#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <vector>

namespace parley::test {

using lines = std::vector<std::string>;
using numbers = std::initializer_list<std::uint16_t>;

using testing::seeded_random;

inline identity named(std::string_view text)
{
    return identity::from_text(text).value();
}

inline std::string hex4(uid u)
{
    std::array<byte, 2> bytes{};
    store_be(bytes.data(), u.value);
    return to_hex(bytes);
}

inline byte_vector bytes_of(uid peer, const packet_variant& body)
{
    const encoded_packet encoded = encode(peer, body);
    return {encoded.view().begin(), encoded.view().end()};
}

// "0001 spoke_failure 02": uid, name, and the part of the body that distinguishes packets of one type.
inline std::string text_of(const message& m)
{
    std::string out = hex4(m.peer) + ' ' + std::string{packet_name(m.body)};
    if (const auto* p = std::get_if<packet::closed>(&m.body)) out += ' ' + hex4(p->gone);
    if (const auto* p = std::get_if<packet::new_server>(&m.body))
        out += ' ' + hex4(p->server) + ' ' + std::string{p->identity.text()};
    if (const auto* p = std::get_if<packet::server_identity>(&m.body))
        out += ' ' + std::string{p->identity.text()};
    if (const auto* p = std::get_if<packet::client_identity>(&m.body))
        out += ' ' + std::string{p->identity.text()};
    if (const auto* p = std::get_if<packet::spoke_failure>(&m.body))
        out += " 0" + std::to_string(static_cast<int>(p->kind));
    if (const auto* p = std::get_if<packet::relay_failure>(&m.body))
        out += std::string{' ', static_cast<char>(p->kind), ' '} + hex4(p->peer);
    return out;
}

inline std::string text_of(const error_code& e)
{
    return e ? e.message() : "success";
}
inline std::string text_of(errc e)
{
    return text_of(make_error_code(e));
}

inline std::string text_of(const guess_report& r)
{
    return "guesses " + std::to_string(r.count) + " from " + std::to_string(r.addresses);
}

// The packets in `bytes`, which must be complete.
inline std::vector<message> packets_in(bytes_view bytes)
{
    packet_parser parser;
    std::vector<message> out;
    while (!bytes.empty()) {
        const auto parsed = parser.parse(bytes);
        if (!parsed || !*parsed) {
            ADD_FAILURE() << "not whole packets";
            break;
        }
        out.push_back(**parsed);
    }
    return out;
}

// A machine and its output so far. A Bench derives from it and adds the other side.
template <Machine M>
struct machine_bench {
    explicit machine_bench(M m) : machine{std::move(m)} {}

    M machine;
    std::vector<message> sent; // everything so far
    lines said;                // since the last take()
    std::function<std::string(const typename M::event&)> event_text;

    void drain()
    {
        const bytes_view due = machine.output();
        for (const message& m : packets_in(due)) {
            sent.push_back(m);
            said.push_back("send " + text_of(m));
        }
        machine.consume_output(due.size());
        while (auto event = machine.next_event()) {
            const std::string text = event_text(*event);
            if (!text.empty()) said.push_back(text);
        }
    }
    lines take()
    {
        drain();
        return std::exchange(said, {});
    }
    // Feeds the bytes one by one, so that every packet arrives split.
    void feed(bytes_view bytes)
    {
        for (const byte b : bytes) {
            bytes_view one{&b, 1};
            machine.receive(one);
            drain();
        }
    }
    void feed(uid from, const packet_variant& body) { feed(bytes_of(from, body)); }

    // The body of the latest packet of a type. If there was none, a default body and a test failure.
    template <class Body>
    Body latest(uid to)
    {
        for (auto m = sent.rbegin(); m != sent.rend(); ++m)
            if (m->peer == to && std::holds_alternative<Body>(m->body)) return std::get<Body>(m->body);
        ADD_FAILURE() << "never sent";
        return {};
    }
};

template <class Bench>
struct step {
    std::string name;
    std::function<void(Bench&)> act;
    lines expected;
};
template <class Bench>
using script = std::vector<step<Bench>>;

template <class Bench>
void play(Bench& bench, const script<Bench>& steps, std::size_t count)
{
    for (std::size_t i = 0; i < count; ++i) {
        steps[i].act(bench);
        EXPECT_EQ(bench.take(), steps[i].expected) << steps[i].name;
    }
}

template <class Bench>
struct fault {
    std::string name;
    std::function<void(Bench&)> act;
    errc expected;
};

// The events that can end any handshake machine at any step.
template <class Bench>
std::vector<fault<Bench>> common_faults()
{
    return {
        {"the stream ends", [](Bench& b) { b.machine.receive_end(); }, errc::unexpected_end},
        {"the stream ends in a packet",
         [](Bench& b) {
             b.feed(as_bytes("00010"));
             b.machine.receive_end();
         },
         errc::truncated_packet},
        {"time is over", [](Bench& b) { b.machine.stop(errc::timed_out); }, errc::timed_out},
        {"the owner gives up", [](Bench& b) { b.machine.stop(errc::cancelled); }, errc::cancelled},
        {"no uid", [](Bench& b) { b.feed(as_bytes("00x1")); }, errc::bad_uid_digit},
        {"no type", [](Bench& b) { b.feed(as_bytes("0001g")); }, errc::bad_type_digit},
        {"unknown type", [](Bench& b) { b.feed(as_bytes("000110")); }, errc::unknown_packet_type},
        {"a hello from the relay", [](Bench& b) { b.feed(relay_uid, packet::hello_as_a_client{}); },
         errc::unexpected_packet},
        {"a hello from a peer", [](Bench& b) { b.feed(uid{1}, packet::hello_as_a_server{}); },
         errc::unexpected_packet},
        {"a relay_failure", [](Bench& b) { b.feed(relay_uid, packet::relay_failure{}); },
         errc::unexpected_packet},
        {"a relay's packet from a peer", [](Bench& b) { b.feed(uid{1}, packet::closed{}); },
         errc::unexpected_packet},
        {"a peer's packet from the relay", [](Bench& b) { b.feed(relay_uid, packet::spoke_failure{}); },
         errc::unexpected_packet},
        {"closed by the relay", [](Bench& b) { b.feed(relay_uid, packet::closed{relay_uid}); },
         errc::closed_by_relay},
        {"timed out by the relay", [](Bench& b) { b.feed(relay_uid, packet::timeout{}); },
         errc::timed_out_by_relay},
    };
}

// For each step and each fault: plays the script up to the step, then the fault. The machine must end with
// the fault's error, produce nothing new, and stay ended whatever the rest of the script does.
template <class Bench>
void fail_each_step(const script<Bench>& steps, std::vector<fault<Bench>> more = {})
{
    auto faults = common_faults<Bench>();
    faults.insert(faults.end(), more.begin(), more.end());
    for (std::size_t played = 0; played < steps.size(); ++played) {
        for (const auto& f : faults) {
            SCOPED_TRACE(f.name + " before: " + steps[played].name);
            Bench bench;
            play(bench, steps, played);
            ASSERT_FALSE(bench.machine.finished());
            f.act(bench);
            EXPECT_TRUE(bench.machine.finished());
            EXPECT_EQ(bench.machine.error(), f.expected);
            bench.take();
            bench.machine.stop(errc::peer_disconnected);
            bench.machine.receive_end();
            for (std::size_t i = played; i < steps.size(); ++i) steps[i].act(bench);
            EXPECT_EQ(bench.take(), lines{});
            EXPECT_EQ(bench.machine.error(), f.expected);
        }
    }
}

} // namespace parley::test
