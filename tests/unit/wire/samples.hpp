// One packet of every type with its bytes, written out by hand, shared by the tests of wire.
#pragma once

#include <parley/wire/packet.hpp>

#include <numeric>
#include <string>
#include <vector>

namespace parley::test {

struct sample {
    message packet;
    std::string bytes;
};

// N bytes counting up from `first`: NUL is among them when `first` is 0.
template <std::size_t N>
std::array<byte, N> counting(byte first)
{
    std::array<byte, N> out{};
    std::iota(out.begin(), out.end(), first);
    return out;
}

inline std::string counting_text(std::size_t n, byte first)
{
    std::string out;
    for (std::size_t i = 0; i < n; ++i) out += static_cast<char>(first + static_cast<int>(i));
    return out;
}

inline identity named(std::string_view text)
{
    return identity::from_text(text).value();
}

// In the order of their types. Raw fields hold NULs, which must not be taken for the end of an identity.
inline std::vector<sample> samples()
{
    const std::string nul(1, '\0');
    return {
        {{uid{0}, packet::hello_as_a_server{counting<34>(0)}}, "000000" + counting_text(34, 0)},
        {{uid{0}, packet::hello_as_a_client{}}, "000001"},
        {{uid{0}, packet::server_identity{named("127.0.0.1:80")}}, "000002127.0.0.1:80" + nul},
        {{uid{0}, packet::client_identity{named("[::1]:65535")}}, "000003[::1]:65535" + nul},
        {{uid{0}, packet::new_server{uid{0x1a2b}, counting<34>(0), named("a:1")}},
         "0000041a2b" + counting_text(34, 0) + "a:1" + nul},
        {{uid{1}, packet::client_validator{counting<64>(0)}}, "000105" + counting_text(64, 0)},
        {{uid{0xffff}, packet::y_and_server_validator{counting<32>(0), counting<64>(200)}},
         "ffff06" + counting_text(32, 0) + counting_text(64, 200)},
        {{uid{0xbeef}, packet::x_and_client_identity{counting<32>(0), named("b:2")}},
         "beef07" + counting_text(32, 0) + "b:2" + nul},
        {{uid{8}, packet::agreement{}}, "000808"},
        {{uid{0}, packet::closed{uid{0xabcd}}}, "000009abcd"},
        {{uid{10}, packet::accepted{}}, "000a0a"},
        {{uid{11}, packet::refused{}}, "000b0b"},
        {{uid{0}, packet::relay_failure{relay_failure_kind::no_handshake, uid{12}}}, "00000cH000c"},
        {{uid{13}, packet::spoke_failure{spoke_failure_kind::invalid_secret_packet}}, "000d0d\x04"},
        {{uid{0}, packet::done{}}, "00000e"},
        {{uid{0}, packet::timeout{}}, "00000f"},
    };
}

} // namespace parley::test
