// The file session2-documents.json, for tests of several rooms.
#pragma once

#include <unit/wire/vector_files.hpp>

#include <stdexcept>

namespace parley::test {

inline const nlohmann::json& document_vectors()
{
    static const nlohmann::json all = read_json(vectors_root() / "vectors" / "session2-documents.json");
    return all;
}

// Bytes in hexadecimal, or a pattern.
inline byte_vector bytes_of(const nlohmann::json& value)
{
    if (value.is_string()) {
        const hex_result out = from_hex(value.get<std::string>());
        if (!out.ok) throw std::runtime_error("not hexadecimal: " + value.dump());
        return out.bytes;
    }
    byte_vector out(value.at("pattern").get<std::size_t>());
    const auto begin = value.at("start").get<std::size_t>();
    for (std::size_t i = 0; i < out.size(); ++i) out[i] = static_cast<byte>(7 * (i + begin) + 3);
    return out;
}

} // namespace parley::test
