// Both directions together: document_receiver writes to the disk what document_source sends.
#include <parley/payload/document_receiver.hpp>
#include <parley/payload/document_source.hpp>

#include "unit/payload/sample_files.hpp"

#include <gtest/gtest.h>

#include <random>
#include <sys/stat.h>
#include <unistd.h>

namespace {

using namespace parley;
using namespace parley_test;

// Moves the document over in pieces of random sizes, cut again in between. Returns where it arrived, or
// nothing.
std::filesystem::path carry(document_source& source, const std::filesystem::path& into, std::mt19937& random,
                            std::size_t largest_piece = 70'000)
{
    receiver_options options;
    options.directory = into;
    auto receiver = document_receiver::create(options);
    EXPECT_TRUE(receiver) << receiver.error().message();
    if (!receiver) return {};
    byte_vector piece(largest_piece);
    for (;;) {
        const mutable_bytes out = mutable_bytes(piece).first(64 + random() % (largest_piece - 63));
        const auto n = source.read(out);
        EXPECT_TRUE(n) << n.error().message() << " " << source.error_path();
        if (!n || *n == 0) break;
        for (bytes_view rest = out.first(*n); !rest.empty();) {
            const std::size_t part = 1 + random() % rest.size();
            const error_code error = receiver->write(rest.first(part));
            EXPECT_FALSE(error) << error.message() << ": " << receiver->error_detail();
            if (error) return {};
            rest = rest.subspan(part);
        }
    }
    EXPECT_TRUE(receiver->complete());
    EXPECT_EQ(receiver->offered_name(), source.name());
    auto received = receiver->commit();
    EXPECT_TRUE(received) << received.error().message() << ": " << receiver->error_detail();
    if (!received) return {};
    EXPECT_EQ(received->is_directory, source.is_directory());
    EXPECT_EQ(received->files, source.file_count());
    EXPECT_EQ(received->directories, source.directory_count());
    EXPECT_EQ(received->content_bytes, source.content_bytes());
    return received->path;
}

void expect_round_trip(const std::filesystem::path& path, const temporary_folder& folder,
                       std::mt19937& random, compression method)
{
    source_options options;
    options.compress = method;
    options.level = 1 + static_cast<int>(random() % 9);
    auto source = document_source::open(path, options);
    ASSERT_TRUE(source) << source.error().message();
    const auto into = folder.make_directory("arrived");
    const auto arrived = carry(*source, into, random);
    ASSERT_EQ(arrived.filename(), path.filename());
    EXPECT_EQ(paths_on_disk(arrived), paths_on_disk(path));
    std::size_t entries = 0;
    for ([[maybe_unused]] const auto& e : std::filesystem::directory_iterator(into)) ++entries;
    EXPECT_EQ(entries, 1u) << "nothing but the document is there";
    std::filesystem::remove_all(into);
}

constexpr compression all_compressions[] = {compression::sampled, compression::always, compression::never};

TEST(RoundTrip, FilesOfManySizes)
{
    std::mt19937 random(1);
    const temporary_folder folder;
    for (const std::size_t size : {0u, 1u, 15u, 16u, 65'535u, 65'536u, 262'144u, 262'145u, 3'000'000u}) {
        for (const compression method : all_compressions) {
            expect_round_trip(folder.write("a file", random_text(size, 1)), folder, random, method);
            expect_round_trip(folder.write("a file", wordy_text(size, 1)), folder, random, method);
        }
    }
}

// A tree of files and directories, some empty, some equal, with names from many scripts.
void grow_tree(const std::filesystem::path& top, std::mt19937& random)
{
    static const char* const names[] = {"a",          "b.txt",    ".hidden",  "with space", "UPPER",
                                        "日本語",     "Ελληνικά", "русский",  "العربية",    "हिन्दी",
                                        "한국어",     "ไทย",      "emoji 🦜", "naïve",      "-dash",
                                        "semi;colon", "dot.",     "a+b",      "quote'",     "%41"};
    std::filesystem::create_directories(top);
    std::vector<std::pair<std::filesystem::path, int>> directories{{top, 0}};
    while (!directories.empty()) {
        const auto [directory, depth] = directories.back();
        directories.pop_back();
        const unsigned here = static_cast<unsigned>(random() % 8);
        for (unsigned i = 0; i < here; ++i) {
            // The number keeps names apart on file systems that treat some of these as equal.
            const auto path = directory / (std::string(names[random() % 20]) + std::to_string(i));
            if (depth < 6 && random() % 3 == 0) {
                std::filesystem::create_directory(path);
                directories.emplace_back(path, depth + 1);
                continue;
            }
            static constexpr std::size_t sizes[] = {0, 1, 10, 100, 1000, 20'000, 262'144, 300'000};
            const std::size_t size = sizes[random() % 8];
            const unsigned content = static_cast<unsigned>(random() % 3); // few, so that some are equal
            std::ofstream(path, std::ios::binary)
                << (random() % 2 == 0 ? random_text(size, content) : wordy_text(size, content));
        }
    }
}

TEST(RoundTrip, SeededTrees)
{
    for (unsigned seed = 0; seed < 15; ++seed) {
        SCOPED_TRACE("seed " + std::to_string(seed));
        std::mt19937 random(seed);
        const temporary_folder folder;
        grow_tree(folder / "a tree", random);
        expect_round_trip(folder / "a tree", folder, random, all_compressions[seed % 3]);
    }
}

TEST(RoundTrip, EqualLargeFiles)
{
    std::mt19937 random(3);
    const temporary_folder folder;
    // Longer than the reach of one copy instruction.
    const std::string content = wordy_text(2'000'000, 1) + random_text(18'000'000, 1);
    for (const char* name : {"d/a", "d/b", "d/below/c"}) folder.write(name, content);
    expect_round_trip(folder / "d", folder, random, compression::sampled);
}

TEST(RoundTrip, TheDeepestTreeThatTravels)
{
    std::mt19937 random(4);
    const temporary_folder folder;
    std::filesystem::path deep = "d";
    for (int i = 1; i < 128; ++i) deep /= "d";
    folder.write(deep / "f", "bottom");
    expect_round_trip(folder / "d", folder, random, compression::sampled);
}

TEST(RoundTrip, HolesStayHoles)
{
    std::mt19937 random(7);
    const temporary_folder folder;
    for (const char* name : {"d/image", "d/again"}) {
        const auto path = folder.write(name, "the beginning");
        ASSERT_EQ(::truncate(path.c_str(), 10 << 20), 0);
        std::ofstream(path, std::ios::binary | std::ios::app) << "the end";
    }
    for (const compression method : all_compressions) {
        source_options options;
        options.compress = method;
        for (const char* what : {"d", "d/image"}) {
            auto source = document_source::open(folder / what, options);
            ASSERT_TRUE(source);
            const auto into = folder.make_directory("arrived");
            const auto arrived = carry(*source, into, random);
            EXPECT_EQ(paths_on_disk(arrived), paths_on_disk(folder / what));
            for (const auto& e : std::filesystem::recursive_directory_iterator(into)) {
                struct stat is{};
                ASSERT_EQ(::stat(e.path().c_str(), &is), 0);
                EXPECT_LT(is.st_blocks * 512, 1 << 20) << e.path();
            }
            std::filesystem::remove_all(into);
        }
    }
}

TEST(RoundTrip, BytesAndDescriptors)
{
    std::mt19937 random(5);
    const temporary_folder folder;
    auto bytes = document_source::from_bytes("note.txt", bytes_of("a note"));
    ASSERT_TRUE(bytes);
    const auto note = carry(*bytes, folder.path(), random);
    EXPECT_EQ(paths_on_disk(note).at("note.txt"), bytes_of("a note"));

    int ends[2];
    ASSERT_EQ(::pipe(ends), 0);
    ASSERT_EQ(::write(ends[1], "piped", 5), 5);
    ::close(ends[1]);
    auto pipe = document_source::from_descriptor("piped.txt", ends[0], 5);
    ASSERT_TRUE(pipe);
    const auto piped = carry(*pipe, folder.path(), random);
    EXPECT_EQ(paths_on_disk(piped).at("piped.txt"), bytes_of("piped"));
}

TEST(RoundTrip, EveryNameThatThisFileSystemHolds)
{
    std::mt19937 random(6);
    const temporary_folder folder;
    const std::vector<std::string> names{"README",
                                         "readme",
                                         "caf\xc3\xa9",
                                         "cafe\xcc\x81",
                                         "con",
                                         "aux.c",
                                         "new\nline",
                                         "Icon\r",
                                         "\xff",
                                         "caf\xe9",
                                         "...",
                                         "back\\slash",
                                         "a:b",
                                         "dot.",
                                         " ",
                                         "\x1b[2J",
                                         "a\xe2\x80\x8e.pdf",
                                         "invoice\xe2\x80\xaepdf.exe",
                                         std::string(255, 'n')};
    for (const std::string& name : names) {
        folder.write("d/" + name, name);
        folder.write("d/sub/" + name + "/f", "1");
    }
    std::filesystem::create_symlink("fine", folder / "d/link");
    auto source = document_source::open(folder / "d");
    ASSERT_TRUE(source);
    EXPECT_EQ(source->skipped_count(), 1u);
    const auto arrived = carry(*source, folder.make_directory("arrived"), random);
    std::filesystem::remove(folder / "d/link");
    EXPECT_EQ(paths_on_disk(arrived), paths_on_disk(folder / "d"));
    EXPECT_EQ(paths_on_disk(arrived).size(), 3 * names.size() + 2);
}

} // namespace
