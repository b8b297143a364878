// The documents to send. Their bytes are the same in every run.
#pragma once

#include <parley/base/bytes.hpp>

#include <filesystem>

namespace parley::bench {

// Bytes that do not compress, from a fixed generator.
byte_vector random_bytes(std::size_t size, std::uint64_t seed);
// Words like those of a log, which zlib makes about four times smaller.
byte_vector compressible_bytes(std::size_t size, std::uint64_t seed);

// Writes such bytes to a file, a piece at a time. Throws failure.
enum class document_content : bool { random, compressible };
void write_document(const std::filesystem::path& path, std::uint64_t bytes, document_content content);
// Writes `files` files of 100 to 4000 bytes, half of them compressible, in folders of 100.
void write_small_files(const std::filesystem::path& folder, unsigned files);
// The sum of the sizes of all files.
std::uint64_t content_bytes(const std::filesystem::path& path);
// Whether the two are equal files or equal trees.
bool same_content(const std::filesystem::path& one, const std::filesystem::path& other);

} // namespace parley::bench
