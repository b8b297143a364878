// The texts by which users name forwarded ports.
#pragma once

#include <parley/base/diagnostics.hpp>
#include <parley/base/result.hpp>
#include <parley/proto/forward_machine.hpp>
#include <parley/transport/address.hpp>

#include <string>
#include <string_view>
#include <vector>

namespace parley {

// Reads a target:
//
//     HOST:PORT          HOST = name | a.b.c.d | [v6], in either case, without a zone
//
// Names come out in lower case, IPv6 addresses in the form of RFC 5952: two targets are the same when their texts
// are. Errors: bad_address; `diag` says what is wrong, and where.
result<forward_target> parse_forward_target(std::string_view text, diagnostics* diag = nullptr);

// A port of this side, and the target that it leads to.
struct forward_rule {
    forward_rule() = default;
    forward_rule(std::string listen_on, std::uint16_t listen_port, forward_target to)
        : address(std::move(listen_on)), port(listen_port), target(std::move(to))
    {
    }

    std::string address = "localhost"; // a.b.c.d, v6 without brackets, "*", or "localhost": 127.0.0.1 and ::1
    std::uint16_t port = 0;            // 0: the system picks
    forward_target target;

    // Reads
    //
    //     [ADDR:]PORT:HOST:PORT          ADDR = a.b.c.d | [v6] | * | localhost
    //
    // Without ADDR it is localhost, so no other computer reaches the port. Errors as above.
    static result<forward_rule> parse(std::string_view text, diagnostics* diag = nullptr);

    // The addresses to listen on: two for "localhost", else one.
    std::vector<listen_address> listen_addresses() const;
    // The text that parse() reads back.
    std::string text() const;
    bool operator==(const forward_rule&) const = default;
};

} // namespace parley
