// Codes: the passwords that `parley send` makes, for two people to pass on by voice.
//
// A code is three words of five letters, consonant and vowel by turns: `lusab-babad-gutit`.
//
//     consonant  b d f g h j k l m n p r s t v z     4 bits each, nine of them
//     vowel      a i o u                             2 bits each, six of them
//
// 44 of these 48 bits are random. The last consonant is a check letter that makes the weighted sum of all
// letters over GF(16) zero, every letter having a weight of its own: one mistaken letter, or two of one kind
// that changed places, is always noticed.
#pragma once

#include <parley/base/random.hpp>
#include <parley/base/secret.hpp>

#include <string_view>

namespace parley::cli {

inline constexpr std::size_t code_random_bits = 44;
inline constexpr std::size_t code_letters = 15;
inline constexpr std::size_t code_text_bytes = 17; // with its two dashes
// What a person may type as a code or password, at most.
inline constexpr std::size_t max_typed_code_bytes = 1024;

// A new code in its written form, from 44 bits of `random`.
secret_bytes generate_code(random_source& random);

enum class code_kind {
    code,     // one of our codes; the password is its written form
    mistyped, // has the shape of our codes, but the check letter does not fit; the password is the text as
              // typed
    other,    // any other password; the text as typed
    empty,    // nothing was typed
};

struct typed_code {
    secret_bytes password;
    code_kind kind = code_kind::empty;
};

// The password that `typed` means. A text that is one of our codes but for case and for what stands between,
// before and after its letters (spaces, tabs, dashes of any kind, underscores, dots, commas) becomes that
// code's written form. Anything else stays as it is, less one newline at its end: peers of other make use any
// text.
typed_code normalise_code(std::string_view typed);

} // namespace parley::cli
