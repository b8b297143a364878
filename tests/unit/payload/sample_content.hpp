// Contents of files, for tests.
#pragma once

#include <parley/base/bytes.hpp>

#include <random>
#include <string>

namespace parley_test {

// `bytes` bytes that do not compress, the same for the same seed.
inline std::string random_text(std::size_t bytes, unsigned seed)
{
    std::mt19937_64 random(seed);
    std::string out(bytes, '\0');
    for (std::size_t i = 0; i < bytes; ++i) {
        if (i % 8 == 0 && bytes - i >= 8) {
            const std::uint64_t word = random();
            out.replace(i, 8, reinterpret_cast<const char*>(&word), 8);
            i += 7;
        } else {
            out[i] = static_cast<char>(random());
        }
    }
    return out;
}

// `bytes` bytes of words, which compress to about a third.
inline std::string wordy_text(std::size_t bytes, unsigned seed)
{
    static const char* const words[] = {"parley", "between", "two",    "people",  "through", "a",
                                        "blind",  "relay",   "that",   "never",   "learns",  "what",
                                        "it",     "carries", "and",    "forgets", "who",     "met",
                                        "whom",   "while",   "waiting"};
    std::mt19937 random(seed);
    std::string out;
    while (out.size() < bytes) {
        out += words[random() % 21];
        out += random() % 9 == 0 ? '\n' : ' ';
    }
    out.resize(bytes);
    return out;
}

inline parley::byte_vector bytes_of(std::string_view text)
{
    const parley::bytes_view view = parley::as_bytes(text);
    return {view.begin(), view.end()};
}

} // namespace parley_test
