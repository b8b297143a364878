#include "unit/crypto/support.hpp"

#include <parley/crypto/record_cipher.hpp>

#include <map>
#include <sodium.h>

namespace parley::test {
namespace {

struct combination {
    cipher with;
    record_layout layout;
};
constexpr std::array<combination, 6> combinations{{
    {cipher::aes_256_gcm, record_layout::current},
    {cipher::aes_256_gcm, record_layout::original},
    {cipher::aes_256_ccm, record_layout::original},
    {cipher::chacha20_poly1305, record_layout::original},
    {cipher::aes_256_gcm, record_layout::session2},
    {cipher::chacha20_poly1305, record_layout::session2},
}};

std::string name_of(const combination& c)
{
    static const std::map<record_layout, std::string> layouts{{record_layout::current, ", current"},
                                                              {record_layout::original, ", original"},
                                                              {record_layout::session2, ", session2"}};
    return std::string(cipher_name(c.with)) + layouts.at(c.layout);
}

byte_vector sealed(record_cipher& with, std::uint64_t sequence, bytes_view content,
                   std::size_t header_bytes = record_header_bytes)
{
    byte_vector out(content.size() + header_bytes + record_tag_bytes);
    const auto size = with.seal(sequence, content, out);
    EXPECT_TRUE(size) << size.error().message();
    EXPECT_EQ(size.value(), out.size());
    return out;
}

bytes_view body_of(const byte_vector& record, std::size_t header_bytes = record_header_bytes)
{
    return bytes_view(record).subspan(header_bytes);
}

bool all_zero(bytes_view bytes)
{
    return std::all_of(bytes.begin(), bytes.end(), [](byte b) { return b == 0; });
}

class record_cipher_test : public ::testing::TestWithParam<combination> {
protected:
    record_cipher make() { return make(GetParam()); }
    record_cipher make(const combination& c) const
    {
        return record_cipher::create(c.with, c.layout, key_).value();
    }
    static std::size_t header() { return header_bytes_of(GetParam().layout); }
    static std::size_t longest() { return max_content_bytes_of(GetParam().layout); }
    static byte_vector sealed(record_cipher& with, std::uint64_t sequence, bytes_view content)
    {
        return test::sealed(with, sequence, content, header());
    }
    static bytes_view body_of(const byte_vector& record) { return test::body_of(record, header()); }

    seeded_random random_{41};
    spoke_key key_{[this] {
        std::array<byte, spoke_key_bytes> bytes{};
        random_.fill(bytes);
        return spoke_key(bytes);
    }()};
};

// --- byte-exact records: vectors/channel.json

std::string sha256(bytes_view bytes)
{
    std::array<byte, crypto_hash_sha256_BYTES> out{};
    crypto_hash_sha256(out.data(), bytes.data(), bytes.size());
    return to_hex(out);
}

// In a case, a sequence number is decimal text or a number.
std::uint64_t sequence_of(const json& seq)
{
    return seq.is_string() ? std::stoull(seq.get<std::string>()) : seq.get<std::uint64_t>();
}

record_layout layout_named(const std::string& name)
{
    if (name == "20-byte nonce") return record_layout::current;
    if (name == "12-byte nonce") return record_layout::original;
    throw std::runtime_error("unknown layout " + name);
}

byte_vector plaintext_of(const json& c)
{
    if (c.at("plaintext_rule") != "byte i = (7*i + 3) mod 256") throw std::runtime_error("unknown rule");
    byte_vector out(c.at("plaintext_len").get<std::size_t>());
    for (std::size_t i = 0; i < out.size(); ++i) out[i] = static_cast<byte>(7 * i + 3);
    if (c.contains("plaintext")) {
        EXPECT_EQ(to_hex(out), text_of(c, "plaintext"));
    }
    return out;
}

void check_record(const json& c)
{
    const auto key = unhex_secret<spoke_key_bytes>(c.at("key64"));
    EXPECT_EQ(to_hex(key.view().subspan(32, 12)), text_of(c, "key_nonce12"));
    auto with = record_cipher::create(cipher_named(c.at("cipher")), layout_named(c.at("layout")), key);
    if (c.at("result").get<std::string>().starts_with("exception")) {
        EXPECT_EQ(error_of(with), errc::record_layout_impossible);
        return;
    }
    ASSERT_EQ(c.at("result"), "ok");
    ASSERT_TRUE(with) << with.error().message();

    const std::uint64_t sequence = sequence_of(c.at("seq"));
    const byte_vector content = plaintext_of(c);
    const byte_vector record = sealed(*with, sequence, content);
    EXPECT_EQ(record.size(), c.at("record_len"));
    EXPECT_EQ(sha256(record), text_of(c, "record_sha256"));
    const std::string hex = to_hex(record);
    if (c.contains("record")) {
        EXPECT_EQ(hex, text_of(c, "record"));
    }
    if (c.contains("record_first32")) {
        EXPECT_EQ(hex.substr(0, 64), text_of(c, "record_first32"));
    }
    if (c.contains("record_last32")) {
        EXPECT_EQ(hex.substr(hex.size() - 64), text_of(c, "record_last32"));
    }

    byte_vector opened(content.size());
    const auto n = with->open(sequence, body_of(record), opened);
    ASSERT_TRUE(n) << n.error().message();
    EXPECT_EQ(*n, content.size());
    EXPECT_EQ(opened, content);
}

TEST(record_vectors, sealed_and_opened_byte_for_byte)
{
    const json cases = read_json(vectors_root() / "vectors" / "channel.json");
    ASSERT_FALSE(cases.empty());
    std::size_t possible = 0;
    for (std::size_t i = 0; i < cases.size(); ++i) {
        SCOPED_TRACE("record " + std::to_string(i));
        ASSERT_NO_THROW(check_record(cases[i]));
        possible += cases[i].at("result") == "ok" ? 1U : 0U;
    }
    EXPECT_GT(possible, 0U);
}

// --- properties of every cipher and layout

TEST_P(record_cipher_test, opens_what_it_sealed)
{
    auto with = make(), other = make();
    for (const std::size_t size :
         {std::size_t{0}, std::size_t{1}, std::size_t{15}, std::size_t{16}, std::size_t{17}, std::size_t{255},
          std::size_t{4096}, longest() - 1, longest()}) {
        const byte_vector content = random_.bytes(size);
        const std::uint64_t sequence = random_.below(max_record_sequence);
        const byte_vector record = sealed(with, sequence, content);
        std::size_t length = 0;
        for (std::size_t i = 0; i < header(); ++i) length = length << 8 | record[i];
        EXPECT_EQ(length, size);
        byte_vector opened(size);
        EXPECT_EQ(error_of(other.open(sequence, body_of(record), opened)), error_code{});
        EXPECT_EQ(opened, content);
    }
}

TEST_P(record_cipher_test, opens_in_place)
{
    auto with = make();
    for (const std::size_t size : {0U, 1U, 16U, 1000U, 32767U}) {
        const byte_vector content = random_.bytes(size);
        byte_vector record = sealed(with, 5, content);
        const mutable_bytes body = mutable_bytes(record).subspan(header());
        ASSERT_EQ(error_of(with.open(5, body, body)), error_code{});
        EXPECT_TRUE(std::equal(content.begin(), content.end(), body.begin()));
    }
}

TEST_P(record_cipher_test, seals_in_place)
{
    auto with = make();
    for (const std::size_t size : {0U, 1U, 16U, 1000U, 32767U}) {
        const byte_vector content = random_.bytes(size);
        byte_vector record(header() + size + record_tag_bytes);
        const mutable_bytes place = mutable_bytes(record).subspan(header(), size);
        std::copy(content.begin(), content.end(), place.begin());
        ASSERT_EQ(error_of(with.seal(5, place, record)), error_code{});
        EXPECT_EQ(record, sealed(with, 5, content));
    }
}

TEST_P(record_cipher_test, the_next_key_takes_the_place_of_the_old_one)
{
    auto with = make(), old = make();
    const byte_vector content = random_.bytes(100), before = sealed(with, 7, content);
    with.rekey();
    const byte_vector after = sealed(with, 7, content);
    byte_vector opened(content.size());
    EXPECT_EQ(error_of(old.open(7, body_of(after), opened)), errc::record_forged);
    EXPECT_EQ(error_of(with.open(7, body_of(before), opened)), errc::record_forged);
    EXPECT_EQ(error_of(with.open(7, body_of(after), opened)), error_code{});
    EXPECT_EQ(opened, content);
    const direction_key next = next_direction_key(direction_key{key_.view().first<direction_key_bytes>()});
    auto other = record_cipher::create(GetParam().with, GetParam().layout, next);
    ASSERT_TRUE(other);
    EXPECT_EQ(sealed(*other, 7, content), after);
    old.rekey();
    EXPECT_EQ(error_of(old.open(7, body_of(after), opened)), error_code{});
}

TEST_P(record_cipher_test, any_bit_changed_is_a_forgery_and_leaves_zeros)
{
    auto with = make();
    for (const std::size_t size : {0U, 1U, 40U}) {
        const byte_vector record = sealed(with, 9, random_.bytes(size));
        for (std::size_t bit = 8 * header(); bit < 8 * record.size(); ++bit) {
            byte_vector forged = record;
            forged[bit / 8] = static_cast<byte>(forged[bit / 8] ^ (1U << (bit % 8)));
            byte_vector opened(size, 0xaa);
            EXPECT_EQ(error_of(with.open(9, body_of(forged), opened)), errc::record_forged);
            EXPECT_TRUE(all_zero(opened));
            const mutable_bytes in_place = mutable_bytes(forged).subspan(header());
            EXPECT_EQ(error_of(with.open(9, in_place, in_place)), errc::record_forged);
            EXPECT_TRUE(all_zero(in_place.first(size)));
        }
    }
    // None of it disturbs the next record.
    const byte_vector content = random_.bytes(40), record = sealed(with, 10, content);
    byte_vector opened(content.size());
    EXPECT_EQ(error_of(with.open(10, body_of(record), opened)), error_code{});
    EXPECT_EQ(opened, content);
}

TEST_P(record_cipher_test, a_long_forgery_leaves_zeros)
{
    auto with = make();
    byte_vector record = sealed(with, 0, random_.bytes(longest()));
    record.back() ^= 1;
    byte_vector opened(longest(), 0xaa);
    EXPECT_EQ(error_of(with.open(0, body_of(record), opened)), errc::record_forged);
    EXPECT_TRUE(all_zero(opened));
}

TEST_P(record_cipher_test, another_number_length_or_key_is_a_forgery)
{
    auto with = make();
    const byte_vector record = sealed(with, 7, random_.bytes(100));
    byte_vector opened(200);
    for (const std::uint64_t sequence :
         {std::uint64_t{0}, std::uint64_t{6}, std::uint64_t{8}, std::uint64_t{7} << 8,
          (std::uint64_t{1} << 32) + 7, max_record_sequence})
        EXPECT_EQ(error_of(with.open(sequence, body_of(record), opened)), errc::record_forged) << sequence;

    for (std::size_t size = 0; size < body_of(record).size(); ++size)
        EXPECT_EQ(error_of(with.open(7, body_of(record).first(size), opened)), errc::record_forged) << size;
    byte_vector longer = record;
    longer.push_back(0);
    EXPECT_EQ(error_of(with.open(7, body_of(longer), opened)), errc::record_forged);

    // Bytes 0..43 of a key matter; the other twenty do not.
    for (std::size_t i = 0; i < spoke_key_bytes; ++i) {
        spoke_key changed = key_.duplicate();
        changed.data()[i] ^= 0x10;
        auto other = record_cipher::create(GetParam().with, GetParam().layout, changed);
        ASSERT_TRUE(other);
        EXPECT_EQ(error_of(other->open(7, body_of(record), opened)),
                  i < 44 ? make_error_code(errc::record_forged) : error_code{});
    }
}

TEST_P(record_cipher_test, no_other_cipher_or_layout_opens_it)
{
    auto with = make();
    const byte_vector record = sealed(with, 0, random_.bytes(100));
    for (const combination& c : combinations) {
        if (c.with == GetParam().with && c.layout == GetParam().layout) continue;
        auto other = make(c);
        byte_vector opened(100, 0xaa);
        EXPECT_EQ(error_of(other.open(0, body_of(record), opened)), errc::record_forged) << name_of(c);
        EXPECT_TRUE(all_zero(opened));
    }
}

TEST_P(record_cipher_test, bounds_of_length_and_number)
{
    auto with = make();
    const byte_vector content(longest() + 1);
    byte_vector out(longest() + 100, 0xaa);
    EXPECT_EQ(error_of(with.seal(0, content, out)), errc::record_too_long);
    EXPECT_EQ(error_of(with.seal(max_record_sequence + 1, bytes_view(content).first(3), out)),
              errc::record_sequence_exhausted);
    EXPECT_EQ(error_of(with.seal(0, bytes_view(content).first(3), mutable_bytes(out).first(20))),
              errc::record_too_long);
    EXPECT_TRUE(std::all_of(out.begin(), out.end(), [](byte b) { return b == 0xaa; }));

    const byte_vector body(longest() + 1 + record_tag_bytes, 1);
    EXPECT_EQ(error_of(with.open(0, body, out)), errc::record_too_long);
    EXPECT_TRUE(all_zero(bytes_view(out).first(longest() + 1)));
    std::fill(out.begin(), out.end(), byte{0xaa});
    EXPECT_EQ(error_of(with.open(max_record_sequence + 1, bytes_view(body).first(19), out)),
              errc::record_sequence_exhausted);
    EXPECT_TRUE(all_zero(bytes_view(out).first(3)));
    EXPECT_EQ(out[3], 0xaa);
    EXPECT_EQ(error_of(with.open(0, bytes_view(body).first(19), mutable_bytes(out).first(2))),
              errc::record_too_long);
}

TEST_P(record_cipher_test, sealing_writes_its_record_and_no_more)
{
    auto with = make();
    const byte_vector content = random_.bytes(33);
    byte_vector out(100, 0xaa);
    const std::size_t size = header() + content.size() + record_tag_bytes;
    ASSERT_EQ(with.seal(3, content, out).value(), size);
    const auto end = out.begin() + static_cast<std::ptrdiff_t>(size);
    EXPECT_TRUE(std::all_of(end, out.end(), [](byte b) { return b == 0xaa; }));
    EXPECT_TRUE(std::equal(out.begin(), end, sealed(with, 3, content).begin()));
}

TEST_P(record_cipher_test, moves)
{
    auto with = make();
    const byte_vector content = random_.bytes(10), record = sealed(with, 1, content);
    record_cipher moved = std::move(with);
    EXPECT_EQ(sealed(moved, 1, content), record);
    byte_vector opened(10), out(100);
    EXPECT_EQ(error_of(moved.open(1, body_of(record), opened)), error_code{});
    EXPECT_EQ(error_of(with.seal(1, content, out)), errc::crypto_unavailable);
    EXPECT_EQ(error_of(with.open(1, body_of(record), opened)), errc::crypto_unavailable);
    EXPECT_TRUE(all_zero(opened));
    with = std::move(moved);
    EXPECT_EQ(sealed(with, 1, content), record);
}

INSTANTIATE_TEST_SUITE_P(every, record_cipher_test, ::testing::ValuesIn(combinations),
                         [](const auto& parameter) {
                             std::string name = name_of(parameter.param);
                             std::replace_if(
                                 name.begin(), name.end(),
                                 [](char c) { return c == '-' || c == ',' || c == ' '; }, '_');
                             return name;
                         });

TEST(record_cipher_create, not_every_cipher_takes_every_layout)
{
    const spoke_key key;
    EXPECT_EQ(error_of(record_cipher::create(cipher::aes_256_ccm, record_layout::session2, key)),
              errc::record_layout_impossible);
    EXPECT_EQ(error_of(record_cipher::create(cipher::aes_256_ccm, record_layout::current, key)),
              errc::record_layout_impossible);
    EXPECT_EQ(error_of(record_cipher::create(cipher::chacha20_poly1305, record_layout::current, key)),
              errc::record_layout_impossible);
    for (const combination& c : combinations)
        EXPECT_TRUE(record_cipher::create(c.with, c.layout, key)) << name_of(c);
    EXPECT_EQ(error_of(record_cipher::create(static_cast<cipher>(3), record_layout::original, key)),
              errc::crypto_unavailable);
}

} // namespace
} // namespace parley::test
