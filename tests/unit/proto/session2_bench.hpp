// Sides of a session of version 2 in tests: a machine with its owner's part, and virtual time.
#pragma once

#include <unit/proto/session2_support.hpp>
#include <unit/proto/support.hpp>

namespace parley::test {

inline const time_point session2_start{std::chrono::hours{24}};

// A machine, what it has said so far, and what the owner took. The owner takes data at once unless `reads` is
// false.
struct session2_side {
    session2_side(session_role role, const session2_keys& keys, const session2_hello& hello = {"test", "us"})
        : machine{session2_machine::create(role, keys, hello, session2_start).value()}
    {
    }

    session2_machine machine;
    time_point now = session2_start;
    lines said; // events, since the last take()
    byte_vector data;
    std::string failure; // the text of `failed`
    bool reads = true;

    void drain()
    {
        while (auto event = machine.next_event()) std::visit([this](const auto& e) { hear(e); }, *event);
    }
    void hear(const session2_event::opened& e)
    {
        said.push_back("hello " + e.peer.protocol + ' ' + e.peer.software);
    }
    void hear(const session2_event::readable&)
    {
        if (!reads) return said.push_back("readable");
        read();
    }
    void hear(const session2_event::ended&) { said.push_back("end"); }
    void hear(const session2_event::aborted& e)
    {
        said.push_back("abort " + std::to_string(static_cast<int>(e.reason.reason)) + ' ' + e.reason.text);
    }
    void hear(const session2_event::failed& e)
    {
        said.push_back("failed: " + text_of(e.why));
        failure = e.text;
    }
    void read()
    {
        const bytes_view bytes = machine.received();
        said.push_back("data " + std::string{as_text(bytes.first(std::min<std::size_t>(bytes.size(), 20)))});
        append_bytes(data, bytes);
        machine.consume_received(bytes.size());
    }
    lines take()
    {
        drain();
        return std::exchange(said, {});
    }
    byte_vector take_output()
    {
        drain();
        const bytes_view due = machine.output();
        byte_vector out(due.begin(), due.end());
        machine.consume_output(out.size());
        return out;
    }
    // Feeds `bytes` in pieces of at most `step`; returns what the machine has not taken.
    bytes_view feed(bytes_view bytes, std::size_t step = static_cast<std::size_t>(-1))
    {
        while (!bytes.empty() && !machine.finished()) {
            const bytes_view piece = bytes.first(std::min(step, bytes.size()));
            const byte_vector copy(piece.begin(), piece.end());
            bytes_view input{copy};
            while (!input.empty()) {
                const std::size_t before = input.size();
                machine.expire(now);
                machine.receive(input);
                drain();
                if (input.size() == before) return bytes.subspan(piece.size() - input.size());
            }
            bytes = bytes.subspan(piece.size());
        }
        return bytes;
    }
    void pass(duration time)
    {
        now += time;
        machine.expire(now);
        drain();
    }
};

// Reads what a side sends, as its other side does.
class record_tap {
public:
    explicit record_tap(const direction_key& key, cipher with = cipher::aes_256_gcm)
        : reader_{session2_record_reader::create(with, key).value()}
    {
    }
    // The records in `bytes`: "ping", "data abc", "abort 8 text", …
    lines read(bytes_view bytes)
    {
        lines out;
        while (!bytes.empty()) {
            const auto got = reader_.read(bytes);
            if (!got) {
                ADD_FAILURE() << got.error().message();
                break;
            }
            if (*got) out.push_back(name(**got));
        }
        return out;
    }

private:
    static std::string name(const session2_record_reader::record& record)
    {
        switch (record.type) {
        case record_type::data:
            return "data " + std::string{as_text(record.content)};
        case record_type::end:
            return "end";
        case record_type::ping:
            return "ping";
        case record_type::hello:
            return "hello " + parse_hello(record.content).value().protocol;
        case record_type::abort: {
            const auto abort = parse_abort(record.content).value();
            return "abort " + std::to_string(static_cast<int>(abort.reason)) + ' ' + abort.text;
        }
        }
        return "unknown";
    }
    session2_record_reader reader_;
};

} // namespace parley::test
