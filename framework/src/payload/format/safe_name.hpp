// Which names may travel: the rules for one path component that comes from the other side (PROTOCOL.md
// section 10).
//
// Refused, because it would escape, break or mislead:
//   - the empty name, a name of dots and spaces only (".", "..", "...", ". ."), a name without any visible
//   character
//   - "/", "\", NUL, control characters (U+0000..1F, U+007F..9F), line and paragraph separators
//   - anything that is not valid UTF-8, and noncharacters (U+FFFE, U+FDD0, …)
//   - more than 255 bytes
//   - characters that turn the direction of text (U+061C, 200E, 200F, 202A..202E, 2066..2069) or show nothing
//   (soft
//     hyphen, zero-width space, fillers, U+FEFF, …). Zero-width joiners, variation selectors and the tags of
//     flags pass where scripts and emoji need them: after a character that is not ASCII (selectors
//     U+FE00..FE0F after any).
//   - the devices of Windows, with or without an extension, in any case: CON, PRN, AUX, NUL, CONIN$, CONOUT$,
//   CLOCK$,
//     COM0..COM9, LPT0..LPT9, also with the superscript digits 1 to 3
//   - as the document's own name: what our staging folders are called (".parley-….part")
//
// Accepted, since they are ordinary names here: colons, question marks, quotes, brackets, a leading dot or
// dash, leading and trailing spaces, a trailing dot ("Acme Inc."). Names in one directory may not differ only
// by case, Unicode form, invisible characters, or trailing dots and spaces: name_key() is what they are
// compared by.
#pragma once

#include <string>
#include <string_view>

namespace parley {

inline constexpr std::size_t max_name_bytes = 255;

// What is wrong with `name`, in a few words for people; empty when it may travel. The words quote nothing of
// the name.
std::string_view name_problem(std::string_view name) noexcept;

// The same for a document's own name, which also must not look like one of our staging folders.
std::string_view document_name_problem(std::string_view name) noexcept;

// Two safe names with equal keys may be one name to some file system: case folded, in one Unicode form (NFD),
// without invisible characters and trailing dots and spaces. Empty when memory ran out or the name is not
// UTF-8.
std::string name_key(std::string_view name);

// Staging folders are called prefix, staging_random_letters of [a-z0-9], suffix.
inline constexpr std::string_view staging_prefix = ".parley-";
inline constexpr std::string_view staging_suffix = ".part";
inline constexpr std::size_t staging_random_letters = 16;

// Whether `name` (in any case) begins and ends as a staging folder's.
bool is_staging_name(std::string_view name) noexcept;

} // namespace parley
