// Documents that change while somebody waits for them, and while they are sent.
#include "unit/payload/pull_document.hpp"

#include <gmock/gmock.h>

#include <chrono>
#include <fcntl.h>
#include <fstream>
#include <sys/stat.h>
#include <unistd.h>

namespace {

using namespace parley;
using namespace parley_test;
namespace fs = std::filesystem;
using namespace std::chrono_literals;

// A document that is being sent, and the paths that it skips.
class sent_document {
public:
    explicit sent_document(const fs::path& path, duration longest_silence = 10s)
    {
        source_options options;
        options.compress = compression::never;
        options.longest_silence = longest_silence;
        options.on_skipped = [this](const skipped_path& s) { skipped.push_back(s.path + ": " + s.reason); };
        auto opened = document_source::open(path, options);
        if (!opened) throw std::runtime_error(opened.error().message());
        source.emplace(std::move(*opened));
    }

    // Reads so many bytes, or fewer up to the end.
    void read(std::size_t bytes)
    {
        for (std::size_t left = bytes; left > 0 && !source->finished();) {
            byte_vector piece(std::max<std::size_t>(left, 64));
            const auto n = source->read(piece);
            ASSERT_TRUE(n) << n.error().message() << " " << source->error_path();
            stream.insert(stream.end(), piece.begin(), piece.begin() + static_cast<std::ptrdiff_t>(*n));
            left -= std::min(left, *n);
        }
    }
    // What arrives. The pack has as many entries as it has announced.
    plain_document rest()
    {
        const pulled p = pull(*source);
        EXPECT_FALSE(p.error) << p.error.message() << " " << source->error_path();
        stream.insert(stream.end(), p.stream.begin(), p.stream.end());
        const plain_document out = unpack(read_plain_pack(stream));
        if (source->is_directory()) {
            EXPECT_EQ(out.paths.size(), source->file_count() + source->directory_count());
            EXPECT_EQ(out.root_number, std::to_string(out.paths.size() + 1));
        }
        return out;
    }

    std::optional<document_source> source;
    std::vector<std::string> skipped;
    byte_vector stream;
};

// As an editor saves: a new file takes the place of the old one.
void replace(const fs::path& path, std::string_view content)
{
    std::ofstream{path.string() + "~", std::ios::binary} << content;
    fs::rename(path.string() + "~", path);
}

void append(const fs::path& path, std::string_view content)
{
    std::ofstream{path, std::ios::binary | std::ios::app} << content;
}

void touch(const fs::path& path)
{
    const timespec times[2] = {{0, UTIME_OMIT}, {1'000'000'000, 1}};
    ASSERT_EQ(::utimensat(AT_FDCWD, path.c_str(), times, 0), 0);
}

// What happens to a file between its place in the list and its turn.
struct change {
    const char* what;
    const char* reason; // why it is skipped; null: it travels as it is
    void (*make)(const fs::path&);
};

const change changes[] = {
    {"vanishes", "it vanished before its turn", [](const fs::path& p) { fs::remove(p); }},
    {"shrinks", nullptr, [](const fs::path& p) { fs::resize_file(p, fs::file_size(p) - 1); }},
    {"grows", nullptr, [](const fs::path& p) { fs::resize_file(p, fs::file_size(p) + 1); }},
    {"grows large", nullptr, [](const fs::path& p) { append(p, std::string(900'000, 'x')); }},
    {"becomes empty", nullptr, [](const fs::path& p) { fs::resize_file(p, 0); }},
    {"is saved by an editor", nullptr, [](const fs::path& p) { replace(p, "the new content"); }},
    {"is touched", nullptr, touch},
    {"becomes a directory", "it was replaced before its turn",
     [](const fs::path& p) {
         fs::remove(p);
         fs::create_directory(p);
     }},
    {"becomes a link", "it was replaced before its turn",
     [](const fs::path& p) {
         fs::rename(p, p.string() + ".moved");
         fs::create_symlink(p.filename().string() + ".moved", p);
     }},
    {"becomes a pipe", "it was replaced before its turn",
     [](const fs::path& p) {
         fs::remove(p);
         ASSERT_EQ(::mkfifo(p.c_str(), 0600), 0);
     }},
};

TEST(ChangingDocument, ADirectoryIsWhatItIsWhenItIsRead)
{
    const temporary_folder folder;
    folder.write("d/logs/z.log", "one line\n");
    folder.write("d/saved", "old");
    folder.write("d/large", random_text(500'000, 1));
    folder.write("d/removed", "1");
    folder.write("d/removed-folder/f", "1");
    folder.write("d/touched", "1");
    sent_document document(folder / "d");
    EXPECT_EQ(document.source->file_count(), 6u);

    append(folder / "d/logs/z.log", "another line\n");
    replace(folder / "d/saved", "new!");
    replace(folder / "d/large", random_text(600'000, 2));
    fs::remove(folder / "d/removed");
    fs::remove_all(folder / "d/removed-folder");
    folder.write("d/added/deep/f", "2");
    touch(folder / "d/touched");
    EXPECT_EQ(document.rest().paths, paths_on_disk(folder / "d"));
    EXPECT_THAT(document.skipped, ::testing::IsEmpty());
    EXPECT_EQ(document.source->skipped_count(), 0u);
    EXPECT_EQ(document.source->file_count(), 5u);
}

TEST(ChangingDocument, AFileIsWhatItIsWhenItIsRead)
{
    for (const std::size_t size : {0u, 100u, 500'000u}) {
        for (const change& c : changes) {
            SCOPED_TRACE(std::string(c.what) + " " + std::to_string(size));
            const temporary_folder folder;
            const auto path = folder.write("f", random_text(size, 1));
            if (size == 0 && std::string_view(c.what) == "shrinks") continue;
            sent_document document(path);
            c.make(path);
            byte_vector out(1000);
            if (!fs::exists(path)) {
                EXPECT_EQ(document.source->read(out).error(), boost::system::errc::no_such_file_or_directory);
                EXPECT_EQ(document.source->error_path(), "f");
            } else if (fs::is_fifo(path)) {
                EXPECT_EQ(document.source->read(out).error(), errc::not_a_document);
            } else {
                EXPECT_EQ(document.rest().paths, paths_on_disk(path));
            }
        }
    }
}

TEST(ChangingDocument, ARelativePathMeansTheFolderOfTheStart)
{
    const temporary_folder folder;
    folder.write("here/f", "1");
    const auto before = fs::current_path();
    fs::current_path(folder / "here");
    sent_document document("f");
    fs::current_path(before);
    replace(folder / "here/f", "2");
    EXPECT_EQ(document.rest().paths.at("f"), bytes_of("2"));
}

TEST(ChangingDocument, AListedFileIsTakenAsItIsAtItsTurnOrLeftOut)
{
    for (const change& c : changes) {
        for (const std::size_t size : {100u, 500'000u}) {
            SCOPED_TRACE(std::string(c.what) + " " + std::to_string(size));
            const temporary_folder folder;
            folder.write("d/a", random_text(200'000, 2)); // it is on its way when the change happens
            folder.write("d/below/changes", random_text(size, 1));
            folder.write("d/later", "1");
            sent_document document(folder / "d");
            document.read(1000);
            c.make(folder / "d/below/changes");
            const plain_document arrived = document.rest();
            auto expected = paths_on_disk(folder / "d");
            expected.erase("d/below/changes.moved"); // not in the list
            if (c.reason != nullptr) {
                expected.erase("d/below/changes");
                EXPECT_THAT(document.skipped,
                            ::testing::ElementsAre("below/changes: " + std::string(c.reason)));
            } else {
                EXPECT_THAT(document.skipped, ::testing::IsEmpty());
            }
            EXPECT_EQ(document.source->skipped_count(), c.reason != nullptr ? 1u : 0u);
            EXPECT_EQ(arrived.paths, expected);
        }
    }
}

TEST(ChangingDocument, AListedDirectoryThatIsGoneIsLeftOutWithAllThatIsInIt)
{
    for (const bool by_link : {true, false}) {
        const temporary_folder folder;
        folder.write("d/a", random_text(200'000, 2));
        folder.write("d/sub/f", "1");
        folder.write("d/sub/deep/g", "2");
        folder.write("d/sub/deep/er/h", "3");
        folder.write("d/sub/z", "4");
        folder.write("d/z", "5");
        sent_document document(folder / "d");
        document.read(1000);
        fs::rename(folder / "d/sub", folder / "moved");
        if (by_link) fs::create_directory_symlink(folder / "moved", folder / "d/sub");
        const plain_document arrived = document.rest();
        EXPECT_THAT(document.skipped, ::testing::ElementsAre("sub: it vanished before its turn"));
        EXPECT_EQ(arrived.paths.size(), 3u);
        EXPECT_TRUE(arrived.paths.contains("d/z"));
        EXPECT_EQ(document.source->file_count(), 2u);
    }
}

TEST(ChangingDocument, AChangeInAnEntryIsAnErrorThatNamesTheFileAndWhen)
{
    for (const bool in_directory : {true, false}) {
        for (int what = 0; what < 4; ++what) {
            SCOPED_TRACE(what);
            const temporary_folder folder;
            const auto path = folder.write("d/f", random_text(2'000'000, 1));
            sent_document document(in_directory ? folder / "d" : path);
            document.read(500'000);
            if (what == 0) fs::resize_file(path, 1'999'999);
            if (what == 1) append(path, "x");
            if (what == 2) touch(path);
            if (what == 3) fs::resize_file(path, 1000);
            EXPECT_EQ(pull(*document.source).error, errc::document_changed);
            EXPECT_EQ(document.source->error_path(), "f");
            EXPECT_THAT(document.source->error_when(),
                        ::testing::MatchesRegex("after [0-9]+ of 2000000 bytes"));
        }
    }
}

// Small files are read as a whole before their entry begins.
TEST(ChangingDocument, ASmallFileCannotChangeInItsEntry)
{
    const temporary_folder folder;
    const std::string content = random_text(200'000, 1);
    const auto path = folder.write("f", content);
    sent_document document(path);
    document.read(1000);
    fs::resize_file(path, 0);
    EXPECT_EQ(document.rest().paths.at("f"), bytes_of(content));
}

TEST(ChangingDocument, WhatIsAddedAfterTheListIsLeftOut)
{
    const temporary_folder folder;
    folder.write("d/a", random_text(200'000, 2));
    sent_document document(folder / "d");
    document.read(1000);
    folder.write("d/new", "2");
    EXPECT_EQ(document.rest().paths.size(), 2u);
}

// Each path is told once, although the directory is listed twice.
TEST(ChangingDocument, WhatIsSkippedIsToldOnce)
{
    const temporary_folder folder;
    folder.write("d/f", "1");
    fs::create_symlink("f", folder / "d/link");
    sent_document document(folder / "d");
    EXPECT_THAT(document.skipped, ::testing::ElementsAre("link: symbolic link"));
    fs::create_symlink("f", folder / "d/link2");
    document.rest();
    EXPECT_THAT(document.skipped, ::testing::ElementsAre("link: symbolic link", "link2: symbolic link"));
    EXPECT_EQ(document.source->skipped_count(), 2u);
}

// A file system that is so slow that nothing may take time: the list is that of the start.
TEST(ChangingDocument, ADirectoryThatTakesTooLongToListIsTheOneOfTheStart)
{
    const temporary_folder folder;
    folder.write("d/gone", "1");
    folder.write("d/kept", "1");
    folder.write("d/grown", "1");
    sent_document document(folder / "d", 0s);
    fs::remove(folder / "d/gone");
    folder.write("d/added", "1");
    append(folder / "d/grown", "2");
    const plain_document arrived = document.rest();
    EXPECT_THAT(document.skipped, ::testing::ElementsAre("gone: it vanished before its turn"));
    EXPECT_EQ(arrived.paths.size(), 3u);
    EXPECT_EQ(arrived.paths.at("d/grown"), bytes_of("12"));
}

// A tree that changes at random while somebody waits and while it is sent. Each file arrives as it was at some
// moment, or it is reported, or the transfer fails and names the one file that changed in its entry.
class random_tree {
public:
    explicit random_tree(unsigned seed) : random_(seed)
    {
        for (int i = 0; i < 25; ++i) {
            const std::string name = "d/" + std::string(1, "abc"[draw(3)]) + "/" + std::to_string(i);
            const std::size_t size = draw(8) == 0 ? 300'000 + draw(1000) : draw(2000);
            save(name, random_text(size, seed));
        }
    }

    void change()
    {
        auto at = versions_.begin();
        std::advance(at, draw(versions_.size()));
        const std::string name = at->first;
        const fs::path path = folder / name;
        switch (draw(6)) {
        case 0:
            fs::remove(path);
            break;
        case 1: // saved by an editor
            if (!fs::exists(path.parent_path())) break;
            replace(path, "version " + std::to_string(++saved_));
            versions_[name].insert("version " + std::to_string(saved_));
            break;
        case 2:
            if (!fs::exists(path)) break;
            append(path, "more");
            versions_[name].insert(content_of(path));
            break;
        case 3:
            if (!fs::exists(path)) break;
            fs::resize_file(path, fs::file_size(path) / 2);
            versions_[name].insert(content_of(path));
            break;
        case 4:
            if (draw(10) == 0) fs::remove_all(path.parent_path());
            break;
        default:
            save("d/" + std::string(1, "abcd"[draw(4)]) + "/new" + std::to_string(++saved_), "new");
        }
    }

    std::size_t draw(std::size_t below) { return random_() % below; }
    bool was(const std::string& name, const byte_vector& content) const
    {
        const auto found = versions_.find(name);
        return found != versions_.end() && found->second.contains(std::string(as_text(content)));
    }

    const temporary_folder folder;

private:
    static std::string content_of(const fs::path& path)
    {
        std::ifstream in(path, std::ios::binary);
        return {std::istreambuf_iterator<char>(in), {}};
    }
    void save(const std::string& name, const std::string& content)
    {
        folder.write(name, content);
        versions_[name].insert(content);
    }

    std::mt19937 random_;
    std::map<std::string, std::set<std::string>> versions_;
    unsigned saved_ = 0;
};

TEST(ChangingDocument, TreesThatChangeAtRandom)
{
    unsigned whole = 0, failed = 0, incomplete = 0;
    for (unsigned seed = 0; seed < 200; ++seed) {
        SCOPED_TRACE("seed " + std::to_string(seed));
        random_tree tree(seed);
        sent_document document(tree.folder / "d");
        for (std::size_t i = tree.draw(5); i > 0; --i) tree.change();
        byte_vector piece(20'000);
        result<std::size_t> n = std::size_t{1};
        while (n && !document.source->finished()) {
            n = document.source->read(piece);
            if (n)
                document.stream.insert(document.stream.end(), piece.begin(),
                                       piece.begin() + static_cast<std::ptrdiff_t>(*n));
            if (tree.draw(3) == 0) tree.change();
        }
        if (!n) {
            ++failed;
            EXPECT_EQ(n.error(), errc::document_changed);
            EXPECT_THAT(document.source->error_path(), ::testing::MatchesRegex("[abc]/[0-9]+"));
            EXPECT_THAT(document.source->error_when(), ::testing::StartsWith("after "));
            continue;
        }
        const plain_document arrived = unpack(read_plain_pack(document.stream));
        EXPECT_EQ(arrived.paths.size(), document.source->file_count() + document.source->directory_count());
        for (const auto& [name, content] : arrived.paths) {
            if (content) {
                EXPECT_TRUE(tree.was(name, *content)) << name;
            }
        }
        EXPECT_EQ(document.skipped.size(), document.source->skipped_count());
        ++(document.skipped.empty() ? whole : incomplete);
    }
    EXPECT_GT(whole, 20u);
    EXPECT_GT(incomplete, 20u);
    EXPECT_GT(failed, 5u);
}

// The second of two equal files is sent in full when there is no time to look at it first.
TEST(ChangingDocument, EqualFilesAreSentInFullOnASlowDisk)
{
    const temporary_folder folder;
    const std::string content = random_text(700'000, 2);
    folder.write("d/a", content);
    folder.write("d/b", content);
    sent_document slow(folder / "d", 0s);
    EXPECT_EQ(slow.rest().paths, paths_on_disk(folder / "d"));
    EXPECT_GT(slow.stream.size(), 1'400'000u);
    sent_document fast(folder / "d");
    EXPECT_EQ(fast.rest().paths, paths_on_disk(folder / "d"));
    EXPECT_LT(fast.stream.size(), 750'000u);
}

// read() waits for no more when it has something and time has passed.
TEST(ChangingDocument, WhatIsThereGoesOutWhenTheRestIsSlow)
{
    const temporary_folder folder;
    for (int i = 0; i < 20; ++i) folder.write("d/" + std::to_string(i), std::string(1000, 'x'));
    sent_document document(folder / "d", 0s);
    byte_vector out(100'000);
    std::size_t reads = 0;
    while (!document.source->finished()) {
        const auto n = document.source->read(out);
        ASSERT_TRUE(n && *n > 0);
        EXPECT_LT(*n, 2100u) << "no more than an entry";
        ++reads;
    }
    EXPECT_GT(reads, 20u);
}

TEST(ChangingDocument, ASourceThatIsStoppedReadsNoMore)
{
    const temporary_folder folder;
    folder.write("d/a", random_text(900'000, 1));
    for (const bool at_once : {true, false}) {
        sent_document document(folder / "d");
        if (!at_once) document.read(1000);
        document.source->stop();
        EXPECT_EQ(pull(*document.source).error, errc::cancelled);
    }
}

TEST(ChangingDocument, FilesWithoutASizeTravelWhole)
{
    const auto content_of = [](const char* path) {
        std::ifstream in(path, std::ios::binary);
        return bytes_of(std::string(std::istreambuf_iterator<char>(in), {}));
    };
    sent_document file("/proc/self/status");
    EXPECT_GT(file.source->content_bytes(), 0u);
    sent_document types("/proc/filesystems");
    EXPECT_EQ(types.rest().paths.at("filesystems"), content_of("/proc/filesystems"));
    sent_document tree("/proc/sys/kernel/random");
    const plain_document arrived = tree.rest();
    EXPECT_EQ(arrived.paths.at("random/boot_id"), content_of("/proc/sys/kernel/random/boot_id"));
    EXPECT_EQ(arrived.paths.at("random/uuid")->size(), 37u);
    if (const char* online = "/sys/devices/system/cpu/online"; fs::exists(online)) {
        sent_document sysfs(online);
        EXPECT_EQ(sysfs.rest().paths.at("online"), content_of(online)) << "its size says 4096";
    }
}

} // namespace
