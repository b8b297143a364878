#include "bench/documents.hpp"

#include "bench/failure.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <random>

namespace parley::bench {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t piece_bytes = 1u << 20;

byte_vector bytes_of(document_content content, std::size_t size, std::uint64_t seed)
{
    return content == document_content::random ? random_bytes(size, seed) : compressible_bytes(size, seed);
}

void append(std::ofstream& file, const byte_vector& bytes)
{
    file.write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
}

bool same_file(const fs::path& one, const fs::path& other)
{
    if (!fs::is_regular_file(other) || fs::file_size(one) != fs::file_size(other)) return false;
    std::ifstream a{one, std::ios::binary}, b{other, std::ios::binary};
    // Of a small file a small piece: clearing the memory would take longer than reading.
    std::vector<char> left(std::min<std::uint64_t>(piece_bytes, fs::file_size(one) + 1)), right(left.size());
    while (a && b) {
        a.read(left.data(), static_cast<std::streamsize>(left.size()));
        b.read(right.data(), static_cast<std::streamsize>(right.size()));
        if (a.gcount() != b.gcount() || !std::equal(left.begin(), left.begin() + a.gcount(), right.begin()))
            return false;
    }
    return true;
}

} // namespace

byte_vector random_bytes(std::size_t size, std::uint64_t seed)
{
    std::mt19937_64 draw{seed};
    byte_vector out(size + sizeof(std::uint64_t));
    for (std::size_t i = 0; i < size; i += sizeof(std::uint64_t)) {
        const std::uint64_t word = draw();
        std::memcpy(out.data() + i, &word, sizeof word);
    }
    out.resize(size);
    return out;
}

byte_vector compressible_bytes(std::size_t size, std::uint64_t seed)
{
    constexpr std::array<std::string_view, 16> words{
        "connection", "from", "relay", "accepted", "warning", "time",  "closed", "the",
        "request",    "of",   "bytes", "user",     "peer",    "error", "GET",    "in"};
    std::mt19937_64 draw{seed};
    byte_vector out;
    out.reserve(size + 64);
    while (out.size() < size) {
        const std::uint64_t word = draw();
        const std::string_view text = words[word % words.size()];
        out.insert(out.end(), text.begin(), text.end());
        out.push_back(word % 11 == 0 ? '\n' : ' ');
        if (word % 5 != 0) continue;
        const std::string number = std::to_string(word >> 40);
        out.insert(out.end(), number.begin(), number.end());
    }
    out.resize(size);
    return out;
}

void write_document(const fs::path& path, std::uint64_t bytes, document_content content)
{
    std::ofstream file{path, std::ios::binary};
    for (std::uint64_t at = 0; at < bytes; at += piece_bytes) {
        const auto size = static_cast<std::size_t>(std::min<std::uint64_t>(piece_bytes, bytes - at));
        append(file, bytes_of(content, size, at / piece_bytes + 1));
    }
    if (!file.flush()) throw system_failure(path.string(), errno);
}

void write_small_files(const fs::path& folder, unsigned files)
{
    constexpr unsigned files_a_folder = 100;
    std::mt19937_64 draw{42};
    for (unsigned i = 0; i < files; ++i) {
        const fs::path in = folder / fmt::format("{:04}", i / files_a_folder);
        if (i % files_a_folder == 0) fs::create_directories(in);
        const std::size_t size = 100 + draw() % 3901;
        std::ofstream file{in / fmt::format("{:02}", i % files_a_folder), std::ios::binary};
        append(file,
               bytes_of(i % 2 == 0 ? document_content::random : document_content::compressible, size, i + 1));
        if (!file.flush()) throw system_failure(in.string(), errno);
    }
}

std::uint64_t content_bytes(const fs::path& path)
{
    if (fs::is_regular_file(path)) return fs::file_size(path);
    std::uint64_t out = 0;
    for (const auto& entry : fs::recursive_directory_iterator{path})
        if (entry.is_regular_file()) out += entry.file_size();
    return out;
}

bool same_content(const fs::path& one, const fs::path& other)
{
    if (fs::is_regular_file(one)) return same_file(one, other);
    std::size_t mine = 0, theirs = 0;
    std::error_code missing;
    for (const auto& entry : fs::recursive_directory_iterator{other, missing})
        theirs += entry.is_regular_file();
    for (const auto& entry : fs::recursive_directory_iterator{one}) {
        if (!entry.is_regular_file()) continue;
        ++mine;
        if (!same_file(entry.path(), other / fs::relative(entry.path(), one))) return false;
    }
    return mine == theirs;
}

} // namespace parley::bench
