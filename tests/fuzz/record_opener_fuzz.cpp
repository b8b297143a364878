// Opening of records under one fixed key. An input is
//
//     choice (1) || sequence number, big-endian (8) || change: place (2), bits (1) || bytes
//
// where the low two bits of `choice` name cipher and layout and the next one opening in place. The bytes are
// taken first for what follows a record's length field: they open only if sealing gives the same bytes again,
// and leave zeros otherwise. Then for a content, which is sealed, must open, and must not once it is changed,
// cut, renumbered or given to another cipher.
#include "require.hpp"

#include <parley/crypto/record_cipher.hpp>

#include <algorithm>
#include <vector>

namespace {

using namespace parley;
using fuzz::require;

constexpr std::size_t choice_bytes = 12;
constexpr std::size_t ciphers = 4;

spoke_key fixed_key()
{
    std::array<byte, spoke_key_bytes> bytes{};
    for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<byte>(5 * i + 1);
    return spoke_key(bytes);
}

// Kept over all inputs, as a peer keeps one over a document: no record may leave anything behind that the
// next one meets.
record_cipher& cipher_number(std::size_t i)
{
    static std::vector<record_cipher> all = [] {
        const spoke_key key = fixed_key();
        std::vector<record_cipher> out;
        out.push_back(record_cipher::create(cipher::aes_256_gcm, record_layout::current, key).value());
        out.push_back(record_cipher::create(cipher::aes_256_gcm, record_layout::original, key).value());
        out.push_back(record_cipher::create(cipher::aes_256_ccm, record_layout::original, key).value());
        out.push_back(record_cipher::create(cipher::chacha20_poly1305, record_layout::original, key).value());
        return out;
    }();
    return all[i];
}

bool all_are(bytes_view bytes, byte value)
{
    return std::all_of(bytes.begin(), bytes.end(), [value](byte b) { return b == value; });
}

// What follows the length field of a record of `content`; empty when it cannot be sealed.
byte_vector sealed(record_cipher& with, std::uint64_t sequence, bytes_view content)
{
    byte_vector record(record_header_bytes + content.size() + record_tag_bytes);
    const auto size = with.seal(sequence, content, record);
    const bool possible = content.size() <= max_record_content_bytes && sequence <= max_record_sequence;
    require(size.has_value() == possible, "a content is sealed exactly when its length and number allow it");
    if (!size) return {};
    require(*size == record.size(), "a record is 18 bytes longer than its content");
    require(load_be<std::uint16_t>(record.data()) == content.size(),
            "the length field holds the content's length");
    record.erase(record.begin(), record.begin() + record_header_bytes);
    return record;
}

// Opens `body`, and checks what holds whatever comes of it. The content, if there is one.
struct opened {
    bool ok = false;
    byte_vector content;
};
opened open(record_cipher& with, std::uint64_t sequence, bytes_view body, bool in_place)
{
    constexpr byte untouched = 0xa5;
    const std::size_t n = body.size() - std::min(body.size(), record_tag_bytes);
    byte_vector memory(in_place ? body.size() : n + 1, untouched);
    if (in_place) std::copy(body.begin(), body.end(), memory.begin());
    const auto size = with.open(sequence, in_place ? bytes_view(memory) : body, memory);
    if (in_place)
        require(std::equal(body.begin() + static_cast<std::ptrdiff_t>(n), body.end(),
                           memory.begin() + static_cast<std::ptrdiff_t>(n)),
                "the tag is not written over");
    else
        require(memory.back() == untouched, "nothing is written after the content");
    memory.resize(n);
    if (!size) {
        require(all_are(memory, 0), "a refused record leaves zeros");
        return {};
    }
    require(*size == n && body.size() >= record_tag_bytes,
            "an opened content has the length of its ciphertext");
    require(n <= max_record_content_bytes && sequence <= max_record_sequence, "no record breaks its bounds");
    return {true, std::move(memory)};
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    if (size < choice_bytes) return 0;
    const std::size_t chosen = data[0] % ciphers;
    const bool in_place = (data[0] & 4) != 0;
    const auto sequence = load_be<std::uint64_t>(data + 1);
    const auto place = load_be<std::uint16_t>(data + 9);
    const byte bits = data[11];
    const bytes_view bytes(data + choice_bytes, size - choice_bytes);

    for (std::size_t i = 0; i < ciphers; ++i) {
        record_cipher& with = cipher_number(i);
        const opened found = open(with, sequence, bytes, in_place);
        if (!found.ok) continue;
        const byte_vector again = sealed(with, sequence, found.content);
        require(std::equal(again.begin(), again.end(), bytes.begin(), bytes.end()),
                "only what was sealed is opened");
    }

    record_cipher& with = cipher_number(chosen);
    const byte_vector body = sealed(with, sequence, bytes);
    if (body.empty()) return 0;
    const opened found = open(with, sequence, body, in_place);
    require(found.ok && std::equal(found.content.begin(), found.content.end(), bytes.begin(), bytes.end()),
            "what was sealed is opened");

    byte_vector changed = body;
    byte& at = changed[place % changed.size()];
    at = static_cast<byte>(at ^ (bits == 0 ? 1 : bits));
    require(!open(with, sequence, changed, in_place).ok, "a changed record is refused");
    require(!open(with, sequence, bytes_view(body).first(place % body.size()), in_place).ok,
            "a cut record is refused");
    changed = body;
    changed.push_back(bits);
    require(!open(with, sequence, changed, in_place).ok, "a longer record is refused");
    require(!open(with, sequence ^ (std::uint64_t{1} << (bits % 64)), body, in_place).ok,
            "another number is refused");
    for (std::size_t i = 0; i < ciphers; ++i)
        require(i == chosen || !open(cipher_number(i), sequence, body, in_place).ok,
                "another cipher is refused");
    return 0;
}
