// An owner of one side of port forwarding that keeps everything in memory, and messages as bytes.
#pragma once

#include "proto/document/document_message.hpp"

#include <parley/proto/forward_machine.hpp>

#include <algorithm>
#include <functional>
#include <map>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace parley::test {

inline byte_vector forward_bytes(byte type, forward_number connection, bytes_view body = {})
{
    byte_vector out{type};
    append_number(out, connection);
    append_number(out, static_cast<std::uint32_t>(body.size()));
    append_bytes(out, body);
    return out;
}

inline byte_vector open_bytes(forward_number connection, std::string_view host = "a", std::uint16_t port = 80)
{
    byte_vector body;
    append_text<byte>(body, host);
    append_number(body, port);
    return forward_bytes(0x10, connection, body);
}

inline byte_vector data_bytes(forward_number connection, std::string_view text)
{
    return forward_bytes(0x20, connection, as_bytes(text));
}

inline byte_vector window_bytes(forward_number connection, std::uint32_t n)
{
    byte_vector body;
    append_number(body, n);
    return forward_bytes(0x21, connection, body);
}

// refused and error
inline byte_vector reason_bytes(byte type, forward_number connection, byte reason, std::string_view text = {})
{
    byte_vector body{reason};
    append_text<byte>(body, text);
    return forward_bytes(type, connection, body);
}

inline byte_vector all_of(const std::vector<byte_vector>& parts)
{
    byte_vector out;
    for (const byte_vector& part : parts) append_bytes(out, part);
    return out;
}

struct forward_message_read {
    byte type;
    forward_number connection;
    byte_vector body;
};

// Bytes that are nothing but whole messages.
inline std::vector<forward_message_read> forward_messages_in(bytes_view bytes)
{
    std::vector<forward_message_read> out;
    while (!bytes.empty()) {
        if (bytes.size() < 9) throw std::runtime_error("a header is cut");
        const auto size = load_be<std::uint32_t>(bytes.data() + 5);
        if (size > bytes.size() - 9) throw std::runtime_error("a body is cut");
        const bytes_view body = bytes.subspan(9, size);
        out.push_back({bytes[0], load_be<std::uint32_t>(bytes.data() + 1), {body.begin(), body.end()}});
        bytes = bytes.subspan(9 + size);
    }
    return out;
}

class forward_owner {
public:
    explicit forward_owner(forward_role role, forward_machine_options options = {}) : machine{role, options}
    {
    }

    forward_machine machine;
    byte_vector output;                         // that was not taken
    std::string log;                            // the events but data, as "opening 1 a:80; "
    std::map<forward_number, std::string> got;  // all bytes of each connection
    std::map<forward_number, std::size_t> kept; // those that were not consumed
    bool consumes = true, takes_output = true;
    std::function<void(const forward_event_variant&)> on_event; // sees each event first

    // Gives the machine `bytes`, in pieces of at most `most`. Returns what it has not taken.
    bytes_view feed(bytes_view bytes, std::size_t most = std::string::npos)
    {
        while (!bytes.empty()) {
            const bytes_view piece = bytes.first(std::min(most, bytes.size()));
            const byte_vector copy(piece.begin(), piece.end()); // its own, for a sanitizer to see
            for (bytes_view input = copy; !input.empty();) {
                const std::size_t before = input.size();
                machine.receive(input);
                hear();
                if (input.size() == before && !machine.finished()) return bytes;
                bytes = bytes.subspan(before - input.size());
            }
        }
        return bytes;
    }

    void hear()
    {
        drain();
        while (const auto event = machine.next_event()) {
            if (on_event) on_event(*event);
            std::visit([this](const auto& e) { hear(e); }, *event);
        }
        drain();
    }

    // Moves the machine's output here.
    void drain()
    {
        if (!takes_output) return;
        const bytes_view bytes = machine.output();
        append_bytes(output, bytes);
        machine.consume_output(bytes.size());
    }

    void consume(forward_number connection)
    {
        machine.consume(connection, std::exchange(kept[connection], 0));
        hear();
    }

    byte_vector take_output()
    {
        hear();
        return std::exchange(output, {});
    }

    std::string take_log()
    {
        hear();
        return std::exchange(log, {});
    }

private:
    void note(std::string_view what, forward_number connection, const std::string& more = {})
    {
        log += std::string{what} + " " + std::to_string(connection) + more + "; ";
    }
    void hear(const forward_event::opening& e) { note("opening", e.connection, " " + e.target.text()); }
    void hear(const forward_event::opened& e) { note("opened", e.connection); }
    void hear(const forward_event::refused& e)
    {
        note("refused", e.connection, " " + std::to_string(static_cast<int>(e.cause)) + " " + e.text);
    }
    void hear(const forward_event::data& e)
    {
        got[e.connection] += as_text(e.bytes);
        kept[e.connection] += e.bytes.size();
        if (consumes) machine.consume(e.connection, std::exchange(kept[e.connection], 0));
    }
    void hear(const forward_event::closed& e) { note("closed", e.connection); }
    void hear(const forward_event::reset& e) { note("reset", e.connection); }
    void hear(const forward_event::writable& e) { note("writable", e.connection); }
};

// Both sides of one stream.
struct forward_pair {
    explicit forward_pair(forward_machine_options options = {})
        : expose{forward_role::expose, options}, forward{forward_role::forward, options}
    {
    }
    // Carries bytes until both are quiet.
    void exchange(std::size_t most = std::string::npos)
    {
        for (;;) {
            const byte_vector up = forward.take_output(), down = expose.take_output();
            if (up.empty() && down.empty()) return;
            expose.feed(up, most);
            forward.feed(down, most);
        }
    }
    // Writes all of `text` as far as the windows let it; returns how much.
    static std::size_t write(forward_owner& from, forward_number connection, std::string_view text)
    {
        std::size_t done = 0;
        while (done < text.size()) {
            const std::size_t n = from.machine.write(connection, as_bytes(text.substr(done)));
            from.hear();
            if (n == 0) break;
            done += n;
        }
        return done;
    }

    forward_owner expose, forward;
};

} // namespace parley::test
