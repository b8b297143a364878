#include <parley/payload/document_source.hpp>

#include "unit/payload/pull_document.hpp"
#include "unit/payload/thread_count.hpp"

#include <gmock/gmock.h>

#include <chrono>
#include <fcntl.h>
#include <fstream>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

namespace {

using namespace parley;
using namespace parley_test;

constexpr compression all_compressions[] = {compression::sampled, compression::always, compression::never};

source_options with(compression method)
{
    source_options options;
    options.compress = method;
    return options;
}

document_source open_source(const std::filesystem::path& path, source_options options = {})
{
    auto source = document_source::open(path, std::move(options));
    if (!source) throw std::runtime_error(source.error().message());
    return std::move(*source);
}

// The pack of `path`, read by the tests' own reader and compared with the disk.
plain_pack expect_travels(const std::filesystem::path& path, source_options options = {},
                          std::size_t read_size = 32'000)
{
    document_source source = open_source(path, std::move(options));
    const pulled p = pull(source, read_size);
    EXPECT_FALSE(p.error) << p.error.message() << " " << source.error_path();
    plain_pack pack = read_plain_pack(p.stream);
    const plain_document document = unpack(pack);
    EXPECT_EQ(document.name, path.filename().string());
    EXPECT_EQ(document.paths, paths_on_disk(path));
    if (source.is_directory()) {
        const std::uint64_t paths = source.file_count() + source.directory_count();
        EXPECT_EQ(pack.announced, paths + 1);
        EXPECT_EQ(document.root_number, std::to_string(paths + 1));
        EXPECT_EQ(document.paths.size(), paths);
    }
    return pack;
}

TEST(DocumentSource, AFileIsThePackOfTheFormatsExample)
{
    const std::string expected = "5041434b0000000200000002"
                                 "49785ecb48cdc9c9d72ba928010011f803a3"
                                 "3d785ef348cdc9c95708cf2fca4951e4020020910448"
                                 "1f6fe57126740755b5b77f57b7d8e21a3ebb89df";
    const temporary_folder folder;
    document_source file =
        open_source(folder.write("hello.txt", "Hello World!\n"), with(compression::always));
    EXPECT_EQ(to_hex(pull(file).stream), expected);

    auto bytes =
        document_source::from_bytes("hello.txt", bytes_of("Hello World!\n"), with(compression::always));
    ASSERT_TRUE(bytes);
    EXPECT_EQ(to_hex(pull(*bytes).stream), expected);

    auto descriptor = document_source::from_descriptor(
        "hello.txt", ::open((folder / "hello.txt").c_str(), O_RDONLY | O_CLOEXEC), 13,
        with(compression::always));
    ASSERT_TRUE(descriptor);
    EXPECT_EQ(to_hex(pull(*descriptor).stream), expected);
}

TEST(DocumentSource, WithoutCompressionEveryByteIsKnown)
{
    const temporary_folder folder;
    document_source file = open_source(folder.write("hello.txt", "Hello World!\n"), with(compression::never));
    const std::string stream = to_hex(pull(file).stream);
    EXPECT_EQ(stream.substr(0, stream.size() - 40), "5041434b0000000200000002"
                                                    "497801010900f6ff68656c6c6f2e74787411f803a3"
                                                    "3d7801010d00f2ff48656c6c6f20576f726c64210a20910448");
}

TEST(DocumentSource, ADirectoryWithoutCompression)
{
    const temporary_folder folder;
    folder.write("d/a", "x");
    folder.make_directory("d/b");
    document_source source = open_source(folder / "d", with(compression::never));
    const pulled p = pull(source);
    const plain_pack pack = read_plain_pack(p.stream);
    ASSERT_EQ(pack.entries.size(), 4u);
    const std::string blob = "c1b0730e0133a94b14bd20d4f1b8b1b5ad8a1b1a";
    EXPECT_EQ(pack.entries[0].kind, 3u);
    EXPECT_EQ(as_text(pack.entries[0].content), "x");
    EXPECT_EQ(to_hex(pack.entries[0].id), to_hex(plain_id(3, as_bytes("x"))));
    EXPECT_EQ(pack.entries[1].kind, 2u);
    EXPECT_EQ(to_hex(pack.entries[1].id), "4b825dc642cb6eb9a060e54bf8d69288fbee4904")
        << "the empty tree, as Git calls it";
    EXPECT_EQ(pack.entries[2].kind, 2u);
    EXPECT_EQ(to_hex(pack.entries[2].content), to_hex(as_bytes("100644 a")) + "00" +
                                                   to_hex(pack.entries[0].id) + to_hex(as_bytes("40000 b")) +
                                                   "00" + to_hex(pack.entries[1].id));
    EXPECT_EQ(pack.entries[3].kind, 1u);
    EXPECT_EQ(to_hex(pack.entries[3].content), "6400" + to_hex(pack.entries[2].id) + to_hex(as_bytes("4")));
}

TEST(DocumentSource, FilesOfManySizesTravel)
{
    const temporary_folder folder;
    for (const std::size_t size :
         {0u, 1u, 15u, 16u, 512u, 65'535u, 65'536u, 262'144u, 262'145u, 2'000'000u}) {
        for (const compression method : all_compressions) {
            expect_travels(folder.write("noise", random_text(size, 1)), with(method));
            expect_travels(folder.write("words", wordy_text(size, 1)), with(method));
        }
    }
}

TEST(DocumentSource, ATreeTravelsWithReadsOfAnySize)
{
    const temporary_folder folder;
    folder.write("tree/.hidden", "dot");
    folder.write("tree/.git/config", "[core]");
    folder.write("tree/empty file", "");
    folder.make_directory("tree/empty directory/inside");
    folder.write("tree/a/b/c/d/e/f", "deep");
    folder.write("tree/a.txt", wordy_text(5000, 1));
    folder.write("tree/a0", random_text(70'000, 2));
    folder.write("tree/big", random_text(400'000, 3) + std::string(400'000, '\0'));
    for (const char* name :
         {"Ελληνικά", "Русский", "日本語", "العربية", "हिन्दी", "한국어", "ไทย", "emoji 🦜", "Ünïcödé"})
        folder.write(std::string("tree/names/") + name, name);
    for (const compression method : all_compressions)
        for (const std::size_t size : {64u, 65u, 1000u, 32'751u, 1'000'000u, 5'000'000u})
            expect_travels(folder / "tree", with(method), size);

    document_source one = open_source(folder / "tree");
    document_source other = open_source(folder / "tree");
    EXPECT_EQ(pull(one, 64).stream, pull(other, 100'000).stream) << "the stream does not depend on the reads";
}

TEST(DocumentSource, AnEmptyDirectoryTravels)
{
    const temporary_folder folder;
    folder.make_directory("nothing");
    const plain_pack pack = expect_travels(folder / "nothing");
    ASSERT_EQ(pack.entries.size(), 2u);
    EXPECT_EQ(pack.entries[0].kind, 2u);
    EXPECT_EQ(pack.entries[1].kind, 1u);
}

TEST(DocumentSource, IsNamedByTheLastComponent)
{
    const temporary_folder folder;
    folder.write("outer/inner/f", "1");
    std::filesystem::create_directory_symlink("outer", folder / "link");
    std::filesystem::create_symlink("outer/inner/f", folder / "file-link");
    EXPECT_EQ(open_source(folder / "outer").name(), "outer");
    EXPECT_EQ(open_source(folder / "outer/").name(), "outer");
    EXPECT_EQ(open_source(folder / "outer//").name(), "outer");
    EXPECT_EQ(open_source(folder / "outer/.").name(), "outer");
    EXPECT_EQ(open_source(folder / "outer/inner/..").name(), "outer");
    EXPECT_EQ(open_source(folder / "link").name(), "link");
    EXPECT_EQ(open_source(folder / "link/.").name(), "outer");
    EXPECT_EQ(open_source(folder / "file-link").name(), "file-link");
    EXPECT_TRUE(open_source(folder / "link").is_directory());
    EXPECT_FALSE(open_source(folder / "file-link").is_directory());
    EXPECT_EQ(open_source(folder / "file-link").content_bytes(), 1u);

    const auto before = std::filesystem::current_path();
    std::filesystem::current_path(folder / "outer");
    const std::string here = open_source(".").name();
    const std::string above = open_source("inner/../..").name();
    const std::string relative = open_source("inner").name();
    std::filesystem::current_path(before);
    EXPECT_EQ(here, "outer");
    EXPECT_EQ(above, folder.path().filename());
    EXPECT_EQ(relative, "inner");
}

TEST(DocumentSource, RefusesWhatIsNoDocument)
{
    const temporary_folder folder;
    EXPECT_EQ(document_source::open(folder / "missing").error(),
              boost::system::errc::no_such_file_or_directory);
    ASSERT_EQ(::mkfifo((folder / "pipe").c_str(), 0600), 0);
    EXPECT_EQ(document_source::open(folder / "pipe").error(), errc::not_a_document);
    EXPECT_EQ(document_source::open("/dev/null").error(), errc::not_a_document);
    EXPECT_EQ(document_source::open("/").error(), errc::hostile_name);
    EXPECT_EQ(document_source::open(folder.write("new\nline", "")).error(), errc::hostile_name);
    diagnostics why;
    EXPECT_EQ(document_source::open(folder / "new\nline", {}, &why).error(), errc::hostile_name);
    EXPECT_EQ(why.message(), "receivers refuse the name \"new\\x0aline\": it holds a control character");
    source_options named;
    named.name = "a name";
    auto source = document_source::open(folder / "new\nline", named);
    ASSERT_TRUE(source);
    EXPECT_EQ(source->name(), "a name");
    EXPECT_EQ(unpack(read_plain_pack(pull(*source).stream)).name, "a name");
    EXPECT_EQ(document_source::from_bytes("a/b", {}).error(), errc::hostile_name);
    EXPECT_EQ(document_source::from_bytes("", {}).error(), errc::hostile_name);
    EXPECT_EQ(document_source::from_descriptor("..", ::dup(0), 0).error(), errc::hostile_name);
}

TEST(DocumentSource, LinksStayBehindAndOddNamesTravel)
{
    const temporary_folder folder;
    folder.write("d/kept", "1");
    folder.write("d/bad\x01name", "1");
    std::filesystem::create_symlink("/etc/passwd", folder / "d/link");
    std::vector<std::string> skipped;
    source_options options;
    options.on_skipped = [&skipped](const skipped_path& s) { skipped.push_back(s.path); };
    document_source source = open_source(folder / "d", options);
    EXPECT_THAT(skipped, ::testing::ElementsAre("link"));
    EXPECT_EQ(source.skipped_count(), 1u);
    const plain_document document = unpack(read_plain_pack(pull(source).stream));
    EXPECT_EQ(document.paths.size(), 3u);
    EXPECT_TRUE(document.paths.contains("d/kept"));
    EXPECT_TRUE(document.paths.contains("d/bad\x01name"));
}

TEST(DocumentSource, ALimitNamesThePath)
{
    const temporary_folder folder;
    std::filesystem::path deep;
    for (int i = 0; i < 129; ++i) deep /= "d";
    folder.make_directory(deep);
    diagnostics where;
    EXPECT_EQ(document_source::open(folder / "d", {}, &where).error(), errc::tree_too_deep);
    EXPECT_NE(where.message().find("\"d/d/d/"), std::string::npos) << where.message();
}

TEST(DocumentSource, EqualFilesTravelOnce)
{
    const temporary_folder folder;
    const std::string small = random_text(10'000, 1);
    const std::string large = random_text(700'000, 2);
    const std::string same_size = random_text(700'000, 3);
    for (const char* name : {"a", "b", "below/c"}) {
        folder.write(std::string("d/small-") + name, small);
        folder.write(std::string("d/large-") + name, large);
    }
    folder.write("d/same-size", same_size);
    for (const char* name : {"e1", "e2"}) folder.write(std::string("d/") + name, "");
    for (const char* name : {"t1", "t2"}) folder.write(std::string("d/") + name, "tiny");
    for (const compression method : all_compressions) {
        const plain_pack pack = expect_travels(folder / "d", with(method));
        EXPECT_LT(pack.stream_bytes, 10'000u + 700'000u + 700'000u + 2'000u);
        const auto deltas = std::count_if(pack.entries.begin(), pack.entries.end(),
                                          [](const plain_entry& e) { return e.kind == 6; });
        EXPECT_EQ(deltas, 4) << "what is tiny is sent again";
        for (const plain_entry& e : pack.entries) {
            if (e.kind != 6) continue;
            for (const plain_entry& base : pack.entries) {
                if (base.offset == e.base_offset) {
                    EXPECT_NE(base.kind, 6u) << "deltas are not chained";
                }
            }
        }
    }
}

TEST(DocumentSource, EqualDirectoriesTravelOnce)
{
    const temporary_folder folder;
    for (const char* top : {"one", "two", "three"})
        for (int i = 0; i < 100; ++i)
            folder.write("d/" + std::string(top) + "/file" + std::to_string(i), std::to_string(i % 7));
    const plain_pack pack = expect_travels(folder / "d");
    EXPECT_EQ(std::count_if(pack.entries.begin(), pack.entries.end(),
                            [](const plain_entry& e) { return e.kind == 6; }),
              2);
}

TEST(DocumentSource, APipeGivesExactlyTheSizeOrItChanged)
{
    for (const std::uint64_t size : {5u, 7u, 8u}) {
        int ends[2];
        ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
        ASSERT_EQ(::write(ends[1], "1234567", 7), 7);
        ::close(ends[1]);
        auto source = document_source::from_descriptor("piped", ends[0], size);
        ASSERT_TRUE(source);
        EXPECT_EQ(source->file_count(), 1u);
        EXPECT_EQ(source->directory_count(), 0u);
        const pulled p = pull(*source);
        if (size > 7) {
            EXPECT_EQ(p.error, errc::document_changed);
            EXPECT_EQ(source->error_path(), "piped");
        } else {
            EXPECT_EQ(unpack(read_plain_pack(p.stream)).paths.at("piped"),
                      bytes_of(std::string("1234567", size)));
        }
    }
}

// The first bytes are available before anything else of the document could have been read.
TEST(DocumentSource, SendsAtOnceHoweverLargeTheFile)
{
    const temporary_folder folder;
    const auto path = folder.write("d/huge", "");
    ASSERT_EQ(::truncate(path.c_str(), 3ll << 40), 0)
        << "three sparse TiB, which nobody reads in a test's time";
    for (const auto& document : {path, folder / "d"}) {
        for (const compression method : all_compressions) {
            document_source source = open_source(document, with(method));
            EXPECT_EQ(source.content_bytes(), 3ull << 40);
            byte_vector out(64);
            for (int i = 0; i < 2; ++i) ASSERT_TRUE(source.read(out)); // a file's first gives only its name
            EXPECT_LE(source.content_bytes_read(), 8u << 20) << "the library holds on to 4 MiB of zeros";
        }
    }
}

std::uint64_t resident_bytes()
{
    std::ifstream in("/proc/self/statm");
    std::uint64_t total = 0, resident = 0;
    in >> total >> resident;
    return resident * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
}

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool memory_is_inflated = true;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
constexpr bool memory_is_inflated = true;
#else
constexpr bool memory_is_inflated = false;
#endif
#else
constexpr bool memory_is_inflated = false;
#endif

// Reads to the end into one buffer. Returns the largest resident memory meanwhile.
std::uint64_t drain_and_watch(document_source& source, byte_vector& out)
{
    std::uint64_t most = 0;
    for (std::uint64_t reads = 0;; ++reads) {
        const auto n = source.read(out);
        EXPECT_TRUE(n) << n.error().message();
        if (reads % 64 == 0) most = std::max(most, resident_bytes());
        if (!n || source.finished()) return most;
    }
}

TEST(DocumentSource, MemoryStaysFlatForALargeFile)
{
    const temporary_folder folder;
    const auto path = folder.write("d/large", random_text(1'000'000, 1));
    ASSERT_EQ(::truncate(path.c_str(), 64 << 20), 0);
    byte_vector out(32'000);
    for (const auto& document : {path, folder / "d"}) {
        for (const unsigned threads : {1u, 8u}) {
            const std::uint64_t before = resident_bytes();
            source_options options;
            options.threads = threads;
            document_source source = open_source(document, options);
            const std::uint64_t most = drain_and_watch(source, out);
            EXPECT_EQ(source.content_bytes_read(), 64u << 20);
            if (!memory_is_inflated) {
                EXPECT_LT(most, before + (8u << 20) + (threads == 1 ? 0 : threads * (3u << 19)));
            }
        }
    }
}

TEST(DocumentSource, TwentyThousandFilesTravel)
{
    const temporary_folder folder;
    for (int d = 0; d < 200; ++d) {
        const auto directory = folder.make_directory("tree/directory " + std::to_string(d));
        for (int f = 0; f < 100; ++f)
            std::ofstream(directory / ("file " + std::to_string(f) + ".txt"))
                << "number " << d * 1000 + f << '\n';
    }
    byte_vector out(32'000);
    {
        const std::uint64_t before = resident_bytes();
        document_source source = open_source(folder / "tree");
        EXPECT_EQ(source.file_count(), 20'000u);
        EXPECT_EQ(source.directory_count(), 201u);
        const std::uint64_t most = drain_and_watch(source, out);
        if (!memory_is_inflated) {
            EXPECT_LT(most, before + (8u << 20));
        }
    }
    expect_travels(folder / "tree");
}

// Git itself, if installed, accepts the pack and computes the same ids.
TEST(DocumentSource, GitUnderstandsThePack)
{
    if (std::system("git --version >/dev/null 2>&1") != 0) GTEST_SKIP() << "git is not here";
    const temporary_folder folder;
    folder.write("tree/a", wordy_text(100'000, 1));
    folder.write("tree/b/noise", random_text(300'000, 2));
    folder.write("tree/b/again", random_text(300'000, 2));
    folder.write("tree/b/mixed",
                 wordy_text(2'000'000, 1) + random_text(2'000'000, 1) + wordy_text(100'000, 3));
    folder.write("tree/b.txt", "between b and b/");
    folder.make_directory("tree/empty");
    for (const compression method : all_compressions) {
        document_source source = open_source(folder / "tree", with(method));
        const pulled p = pull(source);
        const plain_pack pack = read_plain_pack(p.stream);
        folder.write("out.pack", as_text(p.stream));
        const std::string listing = folder / "listing";
        const std::string command =
            "cd '" + folder.path().string() +
            "' && rm -rf repo && git init -q repo && cd repo && git index-pack -o ../out.idx "
            "../out.pack >/dev/null && git show-index < ../out.idx > ../listing";
        ASSERT_EQ(std::system(command.c_str()), 0);
        std::ifstream in(listing);
        std::map<std::uint64_t, std::string> ids;
        std::uint64_t offset = 0;
        std::string id, checksum;
        while (in >> offset >> id >> checksum) ids[offset] = id;
        EXPECT_EQ(ids.size(), pack.entries.size());
        for (const plain_entry& e : pack.entries) EXPECT_EQ(ids[e.offset], to_hex(e.id));
    }
}

TEST(DocumentSource, DeflatesOnAsManyThreadsAsItIsTold)
{
    const byte_vector words = bytes_of(wordy_text(12u << 20, 1));
    const auto before = thread_count();
    byte_vector expected;
    for (const unsigned threads : {1u, 3u}) {
        source_options options;
        options.threads = threads;
        auto source = document_source::from_bytes("words", words, options);
        ASSERT_TRUE(source);
        const pulled p = pull(*source, 100'000);
        ASSERT_FALSE(p.error);
        EXPECT_EQ(thread_count(), before + (threads == 1 ? 0 : 3));
        if (threads == 1) expected = p.stream;
        EXPECT_TRUE(p.stream == expected);
    }
    EXPECT_TRUE(unpack(read_plain_pack(expected)).paths.at("words") == words);
    EXPECT_TRUE(threads_become(before));
}

} // namespace
