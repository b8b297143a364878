// The rules for a name from the other side, which is one path component (PROTOCOL.md section 10).
//
// Refused, because it would escape, break or mislead:
//   - the empty name; a name of only dots and spaces (".", "..", "...", ". ."); a name without any visible
//     character
//   - "/", "\", NUL, control characters (U+0000..1F, U+007F..9F), line and paragraph separators
//   - anything that is not valid UTF-8, and noncharacters (U+FFFE, U+FDD0, …)
//   - more than 255 bytes
//   - characters that change the direction of text (U+061C, 200E, 200F, 202A..202E, 2066..2069)
//   - characters that show nothing (soft hyphen, zero-width space, fillers, U+FEFF, …). Zero-width joiners,
//     variation selectors and the tags of flags pass where scripts and emoji need them: after a character
//     that is not ASCII (the selectors U+FE00..FE0F after any character).
//   - the devices of Windows, with or without an extension, in any case: CON, PRN, AUX, NUL, CONIN$, CONOUT$,
//     CLOCK$, COM0..COM9, LPT0..LPT9, also with the superscript digits 1 to 3
//   - as the document's own name: a name like those of our staging folders (".parley-….part")
//
// Accepted, because these names are ordinary here: colons, question marks, quotes, brackets, a leading dot or
// dash, leading and trailing spaces, a trailing dot ("Acme Inc."). Two names in one directory must not differ
// only by case, Unicode form, invisible characters, or trailing dots and spaces: their name_key() must
// differ.
#pragma once

#include <string>
#include <string_view>

namespace parley {

inline constexpr std::size_t max_name_bytes = 255;

// Says in a few words for people what is wrong with `name`, without quoting it. Empty when the name is safe.
std::string_view name_problem(std::string_view name) noexcept;

// The same for a document's own name, which must not look like a staging folder, either.
std::string_view document_name_problem(std::string_view name) noexcept;

// Some file system may treat two safe names with equal keys as one name. The key is the case-folded name in
// NFD, without invisible characters and trailing dots and spaces. Empty when memory ran out or the name is
// not UTF-8.
std::string name_key(std::string_view name);

// The name of a staging folder is staging_prefix, staging_random_letters of [a-z0-9], staging_suffix.
inline constexpr std::string_view staging_prefix = ".parley-";
inline constexpr std::string_view staging_suffix = ".part";
inline constexpr std::size_t staging_random_letters = 16;

// Whether `name` (in any case) begins and ends like that of a staging folder.
bool is_staging_name(std::string_view name) noexcept;

} // namespace parley
