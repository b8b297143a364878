// Codes: the passwords that senders make, short enough to pass on by voice.
//
// A code is three words of five letters, alternating consonant and vowel: `lusab-babad-gutit`.
//
//     consonant  b d f g h j k l m n p r s t v z     4 bits each, nine of them
//     vowel      a i o u                             2 bits each, six of them
//
// 44 of these 48 bits are random. The last consonant is a check letter: with it the weighted sum of all
// letters over GF(16) is zero. Every letter has a different weight, so the check notices any one wrong
// letter, and any two letters of one kind that changed places.
#pragma once

#include <parley/base/random.hpp>
#include <parley/base/secret.hpp>

#include <string_view>

namespace parley {

inline constexpr std::size_t code_random_bits = 44;
inline constexpr std::size_t code_letters = 15;
inline constexpr std::size_t code_text_bytes = 17; // with the two dashes
// The longest code or password that a person may type.
inline constexpr std::size_t max_typed_code_bytes = 1024;

// Makes a new code in its written form from 44 bits of `random`.
secret_bytes generate_code(random_source& random);

enum class code_kind {
    code,     // one of our codes; the password is its written form
    mistyped, // has the shape of our codes with a wrong check letter; the password is the text as typed
    other,    // any other password; the password is the text as typed
    empty,    // nothing was typed
};

struct typed_code {
    secret_bytes password;
    code_kind kind = code_kind::empty;
};

// The password that `typed` means. A text becomes the written form of a code if it is that code except for
// case and for separators between, before and after the letters (spaces, tabs, dashes of any kind,
// underscores, dots, commas). Any other text stays as it is, without one newline at its end: other programs
// accept any text as a password.
typed_code normalise_code(std::string_view typed);

} // namespace parley
