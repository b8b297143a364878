// The packet parser. The first byte of an input says how the rest, a handshake stream, is cut into reads.
// Whatever the cut, the same packets and the same error must come out, and what was read must survive being
// written and read again.
#include "require.hpp"

#include <parley/wire/parser.hpp>
#include <parley/wire/public_packet.hpp>
#include <parley/wire/writer.hpp>

#include <vector>

namespace {

using namespace parley;
using fuzz::require;

struct reading {
    std::vector<message> packets;
    error_code error;
    std::uint64_t offset = 0;
    error_code end;
    friend bool operator==(const reading&, const reading&) = default;
};

// `cut` 0 reads all at once; else it seeds the sizes of the pieces.
reading read(bytes_view stream, byte cut)
{
    packet_parser parser;
    reading out;
    std::uint32_t state = cut;
    while (!stream.empty() && !out.error) {
        state = state * 1664525U + 1013904223U;
        const std::size_t wanted = cut == 0 ? stream.size() : 1 + (state >> 16) % (cut < 128 ? 8U : 120U);
        const std::size_t size = wanted < stream.size() ? wanted : stream.size();
        // A copy of exact size lets the sanitizer see a read past the piece.
        const byte_vector copy(stream.begin(), stream.begin() + static_cast<std::ptrdiff_t>(size));
        bytes_view piece = copy;
        while (!piece.empty() && !out.error) {
            const auto got = parser.parse(piece);
            if (!got)
                out.error = got.error();
            else if (*got)
                out.packets.push_back(**got);
            else
                require(piece.empty(), "asked for more with bytes at hand");
        }
        stream = stream.subspan(size - piece.size());
    }
    out.offset = parser.offset();
    out.end = parser.finish();
    return out;
}

void check(bytes_view stream, byte cut)
{
    const reading whole = read(stream, 0);
    require(read(stream, cut) == whole, "another cut, another reading");
    require(whole.offset <= stream.size(), "took more than there was");
    require(whole.error ? whole.offset < stream.size() : whole.offset == stream.size(), "the offset");

    byte_vector again;
    for (const message& m : whole.packets) {
        const encoded_packet encoded = encode(m.peer, m.body);
        again.insert(again.end(), encoded.view().begin(), encoded.view().end());
        require(!packet_name(m.body).empty(), "a packet without a name");
        if (const auto* hello = std::get_if<packet::hello_as_a_server>(&m.body)) {
            const auto parameters = parse_public(hello->public_packet);
            require(!parameters || format_public(*parameters) == hello->public_packet,
                    "public bytes there and back");
        }
    }
    // Hexadecimal comes back in lower case, so the bytes may differ; their number and meaning may not.
    require(again.size() <= whole.offset, "more written than read");
    const reading back = read(again, cut);
    require(back.packets == whole.packets && !back.error && !back.end, "written and read again");
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    if (size != 0) check(bytes_view{data + 1, size - 1}, data[0]);
    return 0;
}
