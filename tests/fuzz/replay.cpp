// Runs a fuzz target without libFuzzer: over every input of its corpus, and over some changes of each.
//
//     NAME_replay FOLDER
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <set>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace {

namespace fs = std::filesystem;
using input = std::vector<std::uint8_t>;

// The seed is fixed: each run makes the same changes.
std::mt19937& generator()
{
    static std::mt19937 seeded{1};
    return seeded;
}

std::size_t below(std::size_t bound)
{
    return std::uniform_int_distribution<std::size_t>{0, bound - 1}(generator());
}

void change(input& bytes)
{
    if (bytes.empty()) return bytes.push_back(static_cast<std::uint8_t>(below(256)));
    const std::size_t at = below(bytes.size());
    const auto place = bytes.begin() + static_cast<std::ptrdiff_t>(at);
    switch (below(4)) {
    case 0:
        *place = static_cast<std::uint8_t>(below(256));
        break;
    case 1:
        *place ^= static_cast<std::uint8_t>(1U << below(8));
        break;
    case 2:
        bytes.erase(place);
        break;
    default:
        bytes.insert(place, static_cast<std::uint8_t>(below(256)));
        break;
    }
}

} // namespace

// A target with a mutator of its own asks libFuzzer for this one.
extern "C" std::size_t LLVMFuzzerMutate(std::uint8_t*, std::size_t size, std::size_t)
{
    return size;
}

int main(int argc, char** argv)
{
    constexpr int changes_of_each = 20;
    if (argc != 2) {
        std::fprintf(stderr, "usage: NAME_replay FOLDER\n");
        return 2;
    }
    std::set<fs::path> files;
    for (const auto& entry : fs::directory_iterator{argv[1]}) files.insert(entry.path());
    for (const fs::path& file : files) {
        std::ifstream in{file, std::ios::binary};
        input bytes{std::istreambuf_iterator<char>{in}, {}};
        std::printf("%s\n", file.filename().c_str()); // the last line names the input that fails
        std::fflush(stdout);
        LLVMFuzzerTestOneInput(bytes.data(), bytes.size());
        for (int i = 0; i < changes_of_each; ++i) {
            change(bytes);
            LLVMFuzzerTestOneInput(bytes.data(), bytes.size());
        }
    }
    std::printf("%zu inputs\n", files.size());
    return files.empty() ? 1 : 0;
}
