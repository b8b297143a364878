// One side of a session of version 2 under fixed keys. An input is
//
//     choice (1) || change: place (2), bits (1) || bytes
//
// where the low two bits of `choice` say what the bytes are: 0 the transport's bytes as they are; 1 records,
// each written as type (1), length (1) and content; 2 records that are changed on the way; 3 the bytes as
// they are, after a right hello. Whatever comes: no crash, bounded memory, the same in every split, and a
// fault on the way is never the peer's.
#include "require.hpp"

#include <parley/proto/session2_machine.hpp>
#include <parley/proto/session2_records.hpp>

#include <algorithm>
#include <array>
#include <string>
#include <vector>

namespace {

using namespace parley;
using fuzz::require;

constexpr std::size_t choice_bytes = 4;
constexpr time_point start = time_point{} + std::chrono::hours{1};

const session2_keys& fixed_keys()
{
    static const session2_keys keys = [] {
        main_key main;
        for (std::size_t i = 0; i < main.size(); ++i) main.data()[i] = static_cast<byte>(5 * i + 1);
        return derive_session2_keys(main, {}, cipher::aes_256_gcm);
    }();
    return keys;
}

byte_vector records_of(bytes_view script, bool has_hello)
{
    auto writer = session2_record_writer::create(fixed_keys().with, fixed_keys().server).value();
    byte_vector out;
    if (has_hello)
        require(!writer.append(record_type::hello, encode(session2_hello{"test", "fuzz"}), out), "a hello");
    while (script.size() >= 2) {
        const std::size_t size = std::min<std::size_t>(script[1], script.size() - 2);
        require(!writer.append(static_cast<record_type>(script[0]), script.subspan(2, size), out),
                "a record is written");
        script = script.subspan(2 + size);
    }
    return out;
}

struct outcome {
    std::vector<std::string> events;
    error_code why;
    byte_vector sent;
    bool finished = false;
    friend bool operator==(const outcome&, const outcome&) = default;
};

void hear(outcome& out, session2_machine& machine)
{
    while (auto event = machine.next_event()) {
        require(!out.why, "nothing comes after a failure");
        if (const auto* opened = std::get_if<session2_event::opened>(&*event)) {
            require(opened->peer.protocol == "test", "both name one protocol");
            out.events.push_back("hello " + opened->peer.software);
        } else if (std::holds_alternative<session2_event::readable>(*event)) {
            const bytes_view bytes = machine.received();
            require(!bytes.empty(), "data is not empty");
            out.events.push_back("data " + std::string{as_text(bytes)});
            machine.consume_received(bytes.size());
        } else if (std::holds_alternative<session2_event::ended>(*event)) {
            out.events.push_back("end");
        } else if (const auto* aborted = std::get_if<session2_event::aborted>(&*event)) {
            out.events.push_back("abort " + aborted->reason.text);
        } else {
            out.why = std::get<session2_event::failed>(*event).why;
        }
    }
}

outcome run(bytes_view stream, std::size_t step)
{
    outcome out;
    auto machine =
        session2_machine::create(session_role::client, fixed_keys(), {"test", "fuzz"}, start).value();
    machine.consume_output(machine.output().size());
    while (!stream.empty() && !machine.finished()) {
        const bytes_view piece = stream.first(std::min(step, stream.size()));
        stream = stream.subspan(piece.size());
        const byte_vector copy(piece.begin(), piece.end());
        bytes_view input{copy};
        while (!input.empty() && !machine.finished()) {
            const std::size_t before = input.size();
            machine.receive(input);
            hear(out, machine);
            require(machine.finished() || input.size() < before, "it takes what it is given");
        }
    }
    out.finished = machine.finished();
    const bytes_view due = machine.output();
    require(due.size() <= 300, "it owes an abort at most");
    require(due.empty() || out.why == condition::peer_fault, "only a broken rule is answered");
    out.sent.assign(due.begin(), due.end());
    require(machine.next_deadline() == no_deadline || machine.next_deadline() > start, "nothing is due yet");
    machine.receive_end();
    const bool ended = std::ranges::find(out.events, "end") != out.events.end();
    require(machine.finished() == (!ended || out.why), "a stream without its end has failed");
    return out;
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    if (size < choice_bytes) return 0;
    const unsigned mode = data[0] % 4;
    const bytes_view rest{data + choice_bytes, size - choice_bytes};
    byte_vector stream;
    if (mode == 1 || mode == 2) {
        stream = records_of(rest, (data[0] & 4) != 0);
    } else {
        if (mode == 3) stream = records_of({}, true);
        stream.insert(stream.end(), rest.begin(), rest.end());
    }
    if (stream.empty()) return 0;
    const outcome right = run(stream, stream.size());
    for (const std::size_t step : {1UL, 2UL, 19UL, 100UL})
        require(run(stream, step) == right, "another cut, another reading");
    if (mode != 2 || data[3] == 0) return 0;

    byte& at = stream[load_be<std::uint16_t>(data + 1) % stream.size()];
    at = static_cast<byte>(at ^ data[3]);
    const outcome changed = run(stream, 7);
    require(changed.events.size() <= right.events.size() &&
                std::equal(changed.events.begin(), changed.events.end(), right.events.begin()),
            "a change on the way shows nothing new");
    require(!changed.why || changed.why == right.why || changed.why == condition::transport,
            "a change on the way is not the peer's fault");
    return 0;
}
