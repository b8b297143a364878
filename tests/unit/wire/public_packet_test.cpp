#include <parley/wire/public_packet.hpp>

#include "vector_files.hpp"

#include <gtest/gtest.h>

namespace parley {
namespace {

public_packet_bytes packet_of(std::string_view hex)
{
    const hex_result bytes = from_hex(hex);
    EXPECT_TRUE(bytes.ok && bytes.bytes.size() == public_bytes) << hex;
    public_packet_bytes out{};
    std::copy_n(bytes.bytes.begin(), std::min(bytes.bytes.size(), out.size()), out.begin());
    return out;
}

constexpr std::string_view good = "0001000200000000000000100000000200043870617d2bb241427dcbc457e71f727c";

// `good` with the byte at `at` replaced.
public_packet_bytes with(std::size_t at, byte value)
{
    public_packet_bytes bytes = packet_of(good);
    bytes[at] = value;
    return bytes;
}

TEST(public_packet, reads_what_the_reference_sends)
{
    const auto read = parse_public(packet_of(good));
    ASSERT_TRUE(read.has_value());
    EXPECT_EQ(read->version, 1);
    EXPECT_EQ(read->iterations, 16U);
    EXPECT_EQ(read->cipher0, cipher::aes_256_gcm);
    EXPECT_EQ(read->cipher1, cipher::chacha20_poly1305);
    EXPECT_EQ(to_hex(read->salt), "3870617d2bb241427dcbc457e71f727c");
}

TEST(public_packet, the_defaults_are_the_reference_s)
{
    public_parameters ours;
    const hex_result salt = from_hex("3870617d2bb241427dcbc457e71f727c");
    std::copy(salt.bytes.begin(), salt.bytes.end(), ours.salt.begin());
    EXPECT_EQ(to_hex(format_public(ours)), good);
}

TEST(public_packet, refuses_another_kdf_hash_or_cipher)
{
    for (const auto& [at, value] : std::initializer_list<std::pair<std::size_t, byte>>{
             {2, 1},
             {3, 0},
             {3, 1},
             {3, 3}, // kdf
             {12, 1},
             {13, 3},
             {14, 1},
             {15, 3},
             {15, 0xff}, // ciphers
             {16, 1},
             {17, 0},
             {17, 3},
             {17, 5}, // hash
         })
        EXPECT_EQ(parse_public(with(at, value)).error(), errc::invalid_public_packet)
            << at << ' ' << int{value};
}

TEST(public_packet, refuses_no_iterations)
{
    EXPECT_EQ(parse_public(with(11, 0)).error(), errc::invalid_public_packet);
    EXPECT_EQ(parse_public(with(11, 1))->iterations, 1U);
}

TEST(public_packet, leaves_the_bound_on_iterations_to_the_one_who_computes)
{
    const auto read =
        parse_public(packet_of("00010002ffffffffffffffff0000000200043870617d2bb241427dcbc457e71f727c"));
    ASSERT_TRUE(read.has_value());
    EXPECT_EQ(read->iterations, 0xffffffffffffffffU);
}

TEST(public_packet, accepts_any_version)
{
    EXPECT_EQ(parse_public(with(0, 1))->version, 0x0101);
    EXPECT_EQ(parse_public(with(1, 0))->version, 0);
    EXPECT_EQ(parse_public(with(1, 0xff))->version, 0xff);
}

TEST(public_packet, every_value_comes_back)
{
    for (const std::uint16_t version : std::initializer_list<std::uint16_t>{0, 1, 0xffff})
        for (const std::uint64_t iterations :
             {std::uint64_t{1}, std::uint64_t{0x0123456789abcdef}, ~std::uint64_t{0}})
            for (const cipher cipher0 : {cipher::aes_256_gcm, cipher::aes_256_ccm, cipher::chacha20_poly1305})
                for (const cipher cipher1 :
                     {cipher::aes_256_gcm, cipher::aes_256_ccm, cipher::chacha20_poly1305}) {
                    public_parameters sent{version, iterations, cipher0, cipher1, {}};
                    for (std::size_t i = 0; i < sent.salt.size(); ++i)
                        sent.salt[i] = static_cast<byte>(i * 17);
                    const auto read = parse_public(format_public(sent));
                    ASSERT_TRUE(read.has_value());
                    EXPECT_EQ(*read, sent);
                }
}

TEST(public_packet, ciphers_have_names)
{
    EXPECT_EQ(cipher_name(cipher::aes_256_gcm), "AES-256-GCM");
    EXPECT_EQ(cipher_name(cipher::aes_256_ccm), "AES-256-CCM");
    EXPECT_EQ(cipher_name(cipher::chacha20_poly1305), "ChaCha20-Poly1305");
    EXPECT_EQ(cipher_name(static_cast<cipher>(3)), "unknown cipher");
}

TEST(public_packet, agrees_with_the_vectors)
{
    std::size_t handshakes = 0;
    std::size_t negatives = 0;
    for (const auto& vector : test::read_json(test::vectors_root() / "vectors" / "spoke.json")) {
        const auto hex = vector.value("public", std::string{});
        const auto name = vector.value("name", std::string{});
        if (vector.at("kind") == "handshake") {
            const auto read = parse_public(packet_of(hex));
            ASSERT_TRUE(read.has_value()) << hex;
            EXPECT_EQ(read->iterations, vector.at("count").get<std::uint64_t>());
            EXPECT_EQ(to_hex(read->salt), vector.at("salt").get<std::string>());
            EXPECT_EQ(to_hex(format_public(*read)), hex);
            ++handshakes;
        } else if (name.starts_with("public: ") && hex.size() == 2 * public_bytes) {
            // Other lengths cannot be expressed: the packet has no room for them.
            const bool accepted = vector.at("ciphers_of_public") == "accepted";
            EXPECT_EQ(parse_public(packet_of(hex)).has_value(), accepted) << name;
            ++negatives;
        }
    }
    EXPECT_GT(handshakes, 0U);
    EXPECT_GT(negatives, 0U);
}

} // namespace
} // namespace parley
