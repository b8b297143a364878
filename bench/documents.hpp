// The documents that are sent: the same bytes in every run.
#pragma once

#include <parley/base/bytes.hpp>

#include <filesystem>

namespace parley::bench {

// Bytes that no compression shrinks, of a fixed generator.
byte_vector random_bytes(std::size_t size, std::uint64_t seed);
// Words as of a log, which zlib makes about four times smaller.
byte_vector compressible_bytes(std::size_t size, std::uint64_t seed);

// Writes them to files, a piece at a time. Throw failure.
enum class document_content : bool { random, compressible };
void write_document(const std::filesystem::path& path, std::uint64_t bytes, document_content content);
// `files` of 100 to 4000 bytes, half of them compressible, in folders of 100.
void write_small_files(const std::filesystem::path& folder, unsigned files);
// The sum of the sizes of all files.
std::uint64_t content_bytes(const std::filesystem::path& path);
// Whether both are the same file, or the same tree.
bool same_content(const std::filesystem::path& one, const std::filesystem::path& other);

} // namespace parley::bench
