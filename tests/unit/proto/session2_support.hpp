// Shared by the tests of session version 2: the vectors' keys and bytes, and records made by hand.
#pragma once

#include <parley/proto/session2_machine.hpp>
#include <parley/proto/session2_records.hpp>
#include <parley/testing/seeded_random.hpp>

#include <unit/wire/vector_files.hpp>

#include <gtest/gtest.h>

namespace parley::test {

using testing::seeded_random;

inline byte_vector session2_bytes(const nlohmann::json& hex)
{
    auto out = from_hex(hex.get<std::string>());
    if (!out.ok) throw std::runtime_error("not hexadecimal: " + hex.dump());
    return std::move(out.bytes);
}

template <std::size_t N>
std::array<byte, N> session2_array(const nlohmann::json& hex)
{
    const byte_vector bytes = session2_bytes(hex);
    std::array<byte, N> out{};
    if (bytes.size() != N) throw std::runtime_error("not of " + std::to_string(N) + " bytes");
    std::copy(bytes.begin(), bytes.end(), out.begin());
    return out;
}

inline nlohmann::json session2_records()
{
    return read_json(vectors_root() / "vectors" / "session2-records.json");
}

// The keys of `all`'s cases with this cipher0.
inline session2_keys session2_keys_of(const nlohmann::json& all, int cipher0)
{
    const nlohmann::json& k = all.at("keys").at(std::to_string(cipher0));
    const main_key main{session2_array<64>(k.at("main"))};
    return derive_session2_keys(main, session2_array<public_bytes>(k.at("public")),
                                static_cast<cipher>(cipher0));
}

// Keys of no agreement.
inline session2_keys some_session2_keys(cipher with = cipher::aes_256_gcm)
{
    main_key main;
    seeded_random{71}.fill(main.span());
    return derive_session2_keys(main, {}, with);
}

inline void append_bytes(byte_vector& to, bytes_view more)
{
    to.insert(to.end(), more.begin(), more.end());
}

// Records of one direction, right or wrong.
class record_maker {
public:
    explicit record_maker(const direction_key& key, cipher with = cipher::aes_256_gcm)
        : writer_{session2_record_writer::create(with, key).value()}
    {
    }
    byte_vector operator()(int type, bytes_view content = {})
    {
        byte_vector out;
        EXPECT_FALSE(writer_.append(static_cast<record_type>(type), content, out));
        return out;
    }
    byte_vector operator()(record_type type, bytes_view content = {})
    {
        return (*this)(static_cast<int>(type), content);
    }
    byte_vector hello(std::string protocol = "test", std::string software = "peer 1")
    {
        return (*this)(record_type::hello, encode(session2_hello{std::move(protocol), std::move(software)}));
    }

private:
    session2_record_writer writer_;
};

} // namespace parley::test
