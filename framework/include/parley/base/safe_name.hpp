// The rules for a name from the other side (PROTOCOL.md section 10).
//
// A name inside a directory is one path component: not empty, not "." or "..", no "/", no NUL, at most 255
// bytes. Everything else is for the file system to judge: case, Unicode forms, trailing dots, the devices of
// Windows, control characters ("Icon\r" of a Mac), Latin-1. In a document of session version 2 such a name is
// UTF-8, too, and holds no control character (U+0000..1F, U+007F..9F).
//
// A document's own name is shown to people and put beside their other files. It is refused if it could mislead,
// too:
//   - a name without any visible character, or of only dots and spaces
//   - control characters (U+0000..1F, U+007F..9F), line and paragraph separators
//   - anything that is not valid UTF-8, and noncharacters (U+FFFE, U+FDD0, …)
//   - characters that change the direction of text (U+061C, 200E, 200F, 202A..202E, 2066..2069)
//   - characters that show nothing (soft hyphen, zero-width space, fillers, U+FEFF, …). Zero-width joiners,
//     variation selectors and the tags of flags pass where scripts and emoji need them: after a character
//     that is not ASCII (the selectors U+FE00..FE0F after any character).
//   - a name like those of our staging folders (".parley-….part")
#pragma once

#include <string>
#include <string_view>

namespace parley {

inline constexpr std::size_t max_name_bytes = 255;

// Says in a few words for people why `name` is no path component, without quoting it. Empty when it is one.
std::string_view component_problem(std::string_view name) noexcept;

// The same for a name inside a document of session version 2.
std::string_view entry_name_problem(std::string_view name) noexcept;

// The same for a document's own name, which must not mislead, either.
std::string_view document_name_problem(std::string_view name) noexcept;

// Another name for a document whose name is taken: "folder (1)"; of a file the number comes before the
// extension, as in "report (1).txt". Shortens the name where it would be too long.
std::string numbered_name(std::string_view name, unsigned number, bool is_directory);

// The name of a staging folder is staging_prefix, staging_random_letters of [a-z0-9], staging_suffix.
inline constexpr std::string_view staging_prefix = ".parley-";
inline constexpr std::string_view staging_suffix = ".part";
inline constexpr std::size_t staging_random_letters = 16;

// Whether `name` (in any case) begins and ends like that of a staging folder.
bool is_staging_name(std::string_view name) noexcept;

} // namespace parley
