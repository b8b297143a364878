// Shared by the tests of crypto: identities, and the files of byte-exact cases.
#pragma once

#include "unit/wire/vector_files.hpp"

#include <parley/crypto/spoke.hpp>
#include <parley/testing/seeded_random.hpp>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <stdexcept>

namespace parley::test {

using json = nlohmann::json;

using testing::seeded_random;

template <class T>
error_code error_of(const result<T>& r)
{
    return r ? error_code{} : r.error();
}

// Printable text of 1 to 53 bytes.
inline identity some_identity(seeded_random& random)
{
    std::string text(1 + random.below(max_identity_bytes), ' ');
    for (char& c : text) c = static_cast<char>('!' + random.below('~' - '!' + 1));
    return identity::from_text(text).value();
}

inline std::string text_of(const json& c, const char* field)
{
    return c.at(field).get<std::string>();
}

inline byte_vector unhex(const json& text)
{
    const hex_result out = from_hex(text.get<std::string>());
    if (!out.ok) throw std::runtime_error("not hexadecimal: " + text.dump());
    return out.bytes;
}

template <std::size_t N>
std::array<byte, N> unhex_array(const json& text)
{
    const byte_vector bytes = unhex(text);
    if (bytes.size() != N) throw std::runtime_error("not of " + std::to_string(N) + " bytes: " + text.dump());
    std::array<byte, N> out;
    std::copy(bytes.begin(), bytes.end(), out.begin());
    return out;
}

template <std::size_t N>
secret_array<N> unhex_secret(const json& text)
{
    return secret_array<N>{unhex_array<N>(text)};
}

inline std::string unhex_text(const json& text)
{
    return std::string(as_text(unhex(text)));
}

inline cipher cipher_named(const std::string& name)
{
    if (name == "GCM") return cipher::aes_256_gcm;
    if (name == "CCM16") return cipher::aes_256_ccm;
    if (name == "ChaCha20_Poly1305") return cipher::chacha20_poly1305;
    throw std::runtime_error("unknown cipher " + name);
}

} // namespace parley::test
