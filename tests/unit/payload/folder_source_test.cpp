#include <parley/payload/folder_source.hpp>

#include "unit/payload/sample_files.hpp"
#include "unit/payload/take_document.hpp"

#include <parley/testing/seeded_random.hpp>

#include <boost/system/errc.hpp>
#include <gmock/gmock.h>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace {

using namespace parley;
using namespace parley_test;
using parley::testing::seeded_random;
namespace fs = std::filesystem;
namespace sys = boost::system::errc;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

// A source that is listed.
struct offered_folder {
    explicit offered_folder(folder_options options)
    {
        seeded_random random(7);
        options.on_skipped([this](const skipped_path& s) { skipped.push_back(s.path + ": " + s.reason); });
        auto created = folder_source::create(std::move(options), random);
        if (!created) throw std::runtime_error(created.error().message());
        source = std::move(*created);
        auto listed = source->list();
        if (!listed) throw std::runtime_error(source->fault().text);
        outline = *listed;
        expect_receivers_take(*outline);
    }
    std::vector<std::string> paths() const
    {
        std::vector<std::string> out;
        for (std::uint32_t i = 0; i < outline->entries().size(); ++i)
            out.push_back(outline->entries().path(i));
        return out;
    }
    result<std::string> take(std::string_view path) { return take_file(*source, entry_at(*outline, path)); }

    std::vector<std::string> skipped;
    std::unique_ptr<folder_source> source;
    std::shared_ptr<const document_outline> outline;
};

error_code creation_error(folder_options options, std::string* message = nullptr)
{
    seeded_random random(7);
    diagnostics diag;
    const auto created = folder_source::create(std::move(options), random, &diag);
    if (message != nullptr) *message = diag.message();
    return created ? error_code() : created.error();
}

std::size_t open_descriptors()
{
    std::size_t n = 0;
    for ([[maybe_unused]] const auto& e : fs::directory_iterator("/proc/self/fd")) ++n;
    return n;
}

TEST(FolderSource, OffersAFile)
{
    const temporary_folder folder;
    const std::string content = random_text(3'000'000, 1);
    const fs::path path = folder.write("some.bin", content);
    ASSERT_EQ(::chmod(path.c_str(), 0640), 0);
    offered_folder o{folder_options(path)};
    const document_offer& offer = o.outline->offer();
    EXPECT_EQ(offer.kind, document_kind::file);
    EXPECT_EQ(offer.name, "some.bin");
    EXPECT_EQ(o.source->name(), "some.bin");
    EXPECT_EQ(byte_vector(offer.id.begin(), offer.id.end()), seeded_random(7).bytes(16));
    EXPECT_EQ(offer.files, 1u);
    EXPECT_EQ(offer.bytes, content.size());
    EXPECT_EQ(o.outline->entries().at(0).mode, 0640);
    EXPECT_TRUE(*take_file(*o.source, 0) == content);
    EXPECT_TRUE(*take_file(*o.source, 0, 2'999'999, 7) == content.substr(2'999'999))
        << "again, from an offset";
    EXPECT_EQ(*take_file(*o.source, 0, content.size()), "");
}

TEST(FolderSource, OffersADirectory)
{
    const temporary_folder folder;
    for (const char* file : {"d/a/b/c", "d/a/z", "d/a.b", "d/e"}) folder.write(file, file);
    folder.make_directory("d/empty");
    fs::create_symlink("a/z", folder / "d/link");
    fs::create_symlink("/", folder / "d/root");
    offered_folder o{folder_options(folder / "d")};
    EXPECT_EQ(o.outline->offer().kind, document_kind::directory);
    EXPECT_EQ(o.outline->offer().name, "d");
    EXPECT_EQ(o.outline->offer().files, 5u);
    EXPECT_EQ(o.outline->offer().directories, 3u);
    EXPECT_THAT(o.paths(), ElementsAre("a", "a/b", "a/b/c", "a/z", "a.b", "e", "empty", "link"));
    EXPECT_THAT(o.skipped, ElementsAre("root: symbolic link to an absolute path"));
    EXPECT_EQ(o.source->skipped(), 1u);
    // In any order, and again.
    for (const char* file : {"a/b/c", "a/z", "a.b", "e", "e", "a/b/c", "a.b", "a/z", "a/b/c"})
        EXPECT_EQ(*o.take(file), std::string("d/") + file);
}

TEST(FolderSource, OffersItemsUnderTheirNames)
{
    const temporary_folder folder;
    for (const char* file : {"x/photos/1.jpg", "x/photos/deep/2.jpg", "y/notes.txt", "z/photos-old/3.jpg"})
        folder.write(file, file);
    fs::create_symlink("../notes.txt", folder / "x/photos/sibling");
    fs::create_symlink("../absent", folder / "x/photos/stranger");
    fs::create_symlink("..", folder / "x/photos/top");
    fs::create_symlink("y/notes.txt", folder / "named-link");
    offered_folder o{folder_options(std::vector<fs::path>{folder / "y/notes.txt", folder / "z/photos-old",
                                                          folder / "x/photos/", folder / "named-link"})
                         .name("May")};
    EXPECT_EQ(o.outline->offer().kind, document_kind::items);
    EXPECT_EQ(o.outline->offer().name, "May");
    EXPECT_THAT(o.paths(),
                ElementsAre("named-link", "notes.txt", "photos", "photos/1.jpg", "photos/deep",
                            "photos/deep/2.jpg", "photos/sibling", "photos-old", "photos-old/3.jpg"));
    EXPECT_THAT(o.skipped, ElementsAre("photos/stranger: symbolic link that leads to none of the items",
                                       "photos/top: symbolic link that leads to none of the items"));
    EXPECT_EQ(*o.take("photos/deep/2.jpg"), "x/photos/deep/2.jpg");
    EXPECT_EQ(*o.take("photos-old/3.jpg"), "z/photos-old/3.jpg");
    EXPECT_EQ(*o.take("photos/1.jpg"), "x/photos/1.jpg");
    EXPECT_EQ(*o.take("notes.txt"), "y/notes.txt");
    EXPECT_EQ(*o.take("named-link"), "y/notes.txt");
    offered_folder untitled{folder_options(std::vector<fs::path>{folder / "x", folder / "y"})};
    EXPECT_EQ(untitled.outline->offer().name, "");
}

TEST(FolderSource, TakesItsNameAndItsRules)
{
    const temporary_folder folder;
    folder.write("d/keep", "1");
    folder.write("d/drop.o", "1");
    fs::create_symlink("keep", folder / "d/link");
    fs::create_directory_symlink("d", folder / "d.o");
    offered_folder o{
        folder_options(folder / "d.o").name("other").exclude("*.o").exclude("/none").include_links(false)};
    EXPECT_EQ(o.outline->offer().name, "other");
    EXPECT_THAT(o.paths(), ElementsAre("keep"));
    EXPECT_THAT(o.skipped, ElementsAre("link: symbolic link"));
}

TEST(FolderSource, RefusesWhatIsNoDocument)
{
    const temporary_folder folder;
    const fs::path file = folder.write("a/x", "1"), other = folder.write("b/x", "1");
    ASSERT_EQ(::mkfifo((folder / "pipe").c_str(), 0600), 0);
    fs::create_symlink("absent", folder / "dangling");
    std::string why;
    EXPECT_EQ(creation_error(folder_options(folder / "absent"), &why), sys::no_such_file_or_directory);
    EXPECT_EQ(why, "\"" + (folder / "absent").string() + "\": No such file or directory");
    EXPECT_EQ(creation_error(folder_options(folder / "dangling")), sys::no_such_file_or_directory);
    EXPECT_EQ(creation_error(folder_options(folder / "pipe")), errc::not_a_document);
    EXPECT_EQ(creation_error(folder_options("/dev/null")), errc::not_a_document);
    EXPECT_EQ(creation_error(folder_options(std::vector<fs::path>{})), errc::not_a_document);
    EXPECT_EQ(creation_error(folder_options("/")), errc::hostile_name);
    EXPECT_EQ(creation_error(folder_options(file).name("a/b")), errc::hostile_name);
    EXPECT_EQ(creation_error(folder_options(std::vector<fs::path>{file, folder / "b"}).name("\xff"), &why),
              errc::hostile_name);
    EXPECT_EQ(creation_error(folder_options(std::vector<fs::path>{file, folder.write("t\n", "")}), &why),
              errc::hostile_name);
    EXPECT_EQ(why, "receivers refuse the name \"t\\x0a\": it holds a control character");
    EXPECT_EQ(creation_error(folder_options(std::vector<fs::path>{file, folder / "b", other}), &why),
              errc::name_collision);
    EXPECT_EQ(why, "\"" + file.string() + "\" and \"" + other.string() + "\" have one name");
}

TEST(FolderSource, ANamedPathMustStillBeThereToBeListed)
{
    const temporary_folder folder;
    const fs::path file = folder.write("file", "1");
    seeded_random random(1);
    auto source = *folder_source::create(
        folder_options(std::vector<fs::path>{folder.make_directory("a"), file}), random);
    fs::remove(file);
    EXPECT_EQ(source->list().error(), sys::no_such_file_or_directory);
    EXPECT_EQ(source->fault().reason, session_reason::file_failed);
    EXPECT_EQ(source->fault().text, "'file' cannot be read: No such file or directory");
    source = *folder_source::create(folder_options("/proc/self/limits"), random);
    EXPECT_EQ(source->list().error(), errc::not_a_document);
    EXPECT_EQ(source->fault().text, "'limits' has a size that is not its length");
}

TEST(FolderSource, RelativePathsAreThoseOfItsCreation)
{
    const temporary_folder folder;
    folder.write("d/file", "content");
    seeded_random random(1);
    const fs::path before = fs::current_path();
    fs::current_path(folder.path());
    auto directory = *folder_source::create(folder_options("d"), random);
    auto items = *folder_source::create(folder_options(std::vector<fs::path>{"d", "d/file"}), random);
    fs::current_path(before);
    ASSERT_TRUE(directory->list());
    EXPECT_EQ(*take_file(*directory, 0), "content");
    const auto outline = *items->list();
    EXPECT_EQ(*take_file(*items, entry_at(*outline, "d/file")), "content");
    EXPECT_EQ(*take_file(*items, entry_at(*outline, "file")), "content");
}

// What happens to the file "d/sub/file", which has 10 bytes, between two calls.
struct file_change {
    const char* what;
    session_reason reason;
    const char* text; // of the fault
    void (*make)(const fs::path&);
};

void overwrite(const fs::path& path, std::string_view content, timespec modified)
{
    std::ofstream{path, std::ios::binary} << content;
    const timespec times[2] = {{0, UTIME_OMIT}, modified};
    ASSERT_EQ(::utimensat(AT_FDCWD, path.c_str(), times, 0), 0);
}

constexpr timespec listed_time{1'000'000'000, 1};

const file_change file_changes[] = {
    {"grows", session_reason::document_changed, ", from 10 to 11 bytes (2",
     [](const fs::path& p) { overwrite(p, "12345678901", listed_time); }},
    {"shrinks", session_reason::document_changed, ", from 10 to 9 bytes (2",
     [](const fs::path& p) { overwrite(p, "123456789", listed_time); }},
    {"becomes empty", session_reason::document_changed, ", from 10 to 0 bytes (2",
     [](const fs::path& p) { overwrite(p, "", listed_time); }},
    {"is touched", session_reason::document_changed, " (2",
     [](const fs::path& p) { overwrite(p, "1234567890", {1'000'000'000, 2}); }},
};

const file_change path_changes[] = {
    {"is saved by an editor", session_reason::document_changed,
     "'sub/file' was changed after it was listed (2",
     [](const fs::path& p) {
         overwrite(p.string() + "~", "0987654321", {1'000'000'000, 2});
         fs::rename(p.string() + "~", p);
     }},
    {"vanishes", session_reason::file_failed, "'sub/file' cannot be read: No such file or directory",
     [](const fs::path& p) { fs::remove(p); }},
    {"becomes a link", session_reason::document_changed, "'sub/file' is no file any more (2",
     [](const fs::path& p) {
         fs::rename(p, p.string() + ".moved");
         fs::create_symlink(p.filename().string() + ".moved", p);
     }},
    {"becomes a pipe", session_reason::document_changed, "'sub/file' is no file any more (2",
     [](const fs::path& p) {
         fs::remove(p);
         ASSERT_EQ(::mkfifo(p.c_str(), 0600), 0);
     }},
    {"becomes a directory", session_reason::document_changed, "'sub/file' is no file any more (2",
     [](const fs::path& p) {
         fs::remove(p);
         fs::create_directory(p);
     }},
    {"loses its directory", session_reason::file_failed, "'sub' cannot be read: No such file or directory",
     [](const fs::path& p) { fs::remove_all(p.parent_path()); }},
    {"has a link for a directory", session_reason::document_changed, "'sub' is no directory any more (2",
     [](const fs::path& p) {
         const fs::path moved = p.parent_path().string() + ".moved";
         fs::rename(p.parent_path(), moved);
         fs::create_directory_symlink(moved.filename(), p.parent_path());
     }},
    {"has a file for a directory", session_reason::document_changed, "'sub' is no directory any more (2",
     [](const fs::path& p) {
         fs::remove_all(p.parent_path());
         std::ofstream{p.parent_path()} << "1";
     }},
};

class ChangedFile : public ::testing::Test {
protected:
    ChangedFile()
    {
        overwrite(folder.write("d/sub/file", ""), "1234567890", listed_time);
        o.emplace(folder_options(folder / "d"));
        number = entry_at(*o->outline, "sub/file");
    }
    folder_source& source() { return *o->source; }
    void expect_fault(const file_change& c, const error_code& error, const std::string& text)
    {
        const document_fault& fault = source().fault();
        EXPECT_EQ(fault.reason, c.reason) << c.what;
        EXPECT_THAT(fault.text, HasSubstr(text)) << c.what;
        if (c.reason == session_reason::document_changed)
            EXPECT_EQ(error, errc::document_changed) << c.what;
        else
            EXPECT_EQ(&error.category(), &file_category()) << c.what;
    }

    temporary_folder folder;
    fs::path path = folder / "d/sub/file";
    std::optional<offered_folder> o;
    std::uint32_t number = 0;
};

class ChangedFileCases : public ChangedFile, public ::testing::WithParamInterface<const file_change*> {};

TEST_P(ChangedFileCases, BeforeItIsOpened)
{
    const file_change& c = *GetParam();
    c.make(path);
    const error_code error = source().open(number, 0);
    expect_fault(c, error, c.text);
    std::array<byte, 8> piece;
    EXPECT_EQ(source().read(piece).error(), sys::invalid_argument) << "nothing is open";
}

std::vector<const file_change*> all_file_changes()
{
    std::vector<const file_change*> out;
    for (const file_change& c : file_changes) out.push_back(&c);
    for (const file_change& c : path_changes) out.push_back(&c);
    return out;
}

INSTANTIATE_TEST_SUITE_P(FolderSource, ChangedFileCases, ::testing::ValuesIn(all_file_changes()));

TEST_F(ChangedFile, WhileItIsSent)
{
    for (const file_change& c : file_changes) {
        overwrite(path, "1234567890", listed_time);
        ASSERT_FALSE(source().open(number, 0));
        std::array<byte, 4> piece;
        ASSERT_EQ(*source().read(piece), 4u);
        c.make(path);
        auto rest = take_rest(source());
        const error_code error = rest ? source().close() : rest.error();
        expect_fault(c, error, "'sub/file' was changed while it was being sent" + std::string(c.text));
    }
}

// Between the last byte and close().
TEST_F(ChangedFile, AtItsEnd)
{
    ASSERT_FALSE(source().open(number, 0));
    ASSERT_EQ(*take_rest(source()), "1234567890");
    overwrite(path, "12345678901", listed_time);
    EXPECT_EQ(source().close(), errc::document_changed);
    overwrite(path, "1234567890", listed_time);
    EXPECT_EQ(*take_file(source(), number), "1234567890") << "it is as it was listed again";
}

// What has its path changes nothing for an open file, nor for an open directory.
TEST_F(ChangedFile, IsTheOneThatWasOpened)
{
    ASSERT_FALSE(source().open(number, 0));
    fs::rename(folder / "d/sub", folder / "d/moved");
    EXPECT_EQ(*take_rest(source()), "1234567890");
    EXPECT_FALSE(source().close());
    EXPECT_EQ(*take_file(source(), number), "1234567890");
}

TEST_F(ChangedFile, ANamedDirectoryThatWasReplacedIsNotTheDocument)
{
    fs::rename(folder / "d", folder / "moved");
    fs::create_directory(folder / "d");
    fs::rename(folder / "moved/sub", folder / "d/sub");
    EXPECT_EQ(source().open(number, 0), errc::document_changed);
    EXPECT_EQ(source().fault().text, "'d' was replaced after it was listed");
    fs::remove_all(folder / "d");
    EXPECT_EQ(source().open(number, 0), sys::no_such_file_or_directory);
    EXPECT_EQ(source().fault().reason, session_reason::file_failed);
}

TEST(FolderSource, ANamedFileThatChangesIsFound)
{
    const temporary_folder folder;
    const fs::path path = folder.write("f", "1");
    offered_folder o{folder_options(path)};
    fs::remove(path);
    ASSERT_EQ(::mkfifo(path.c_str(), 0600), 0);
    EXPECT_EQ(o.source->open(0, 0), errc::document_changed);
    EXPECT_EQ(o.source->fault().text, "'f' is no file any more");
    fs::remove(path);
    EXPECT_EQ(o.source->open(0, 0), sys::no_such_file_or_directory);
    fs::create_directory(path);
    EXPECT_EQ(o.source->open(0, 0), errc::document_changed);
}

TEST(FolderSource, IsAskedOnlyForWhatItHas)
{
    const temporary_folder folder;
    folder.write("d/file", "12");
    seeded_random random(1);
    const auto source = *folder_source::create(folder_options(folder / "d"), random);
    std::array<byte, 4> piece;
    EXPECT_EQ(source->open(0, 0), sys::invalid_argument) << "not listed";
    ASSERT_TRUE(source->list());
    EXPECT_EQ(source->open(1, 0), sys::invalid_argument) << "no such entry";
    EXPECT_EQ(source->open(0, 3), sys::invalid_argument) << "past its end";
    EXPECT_EQ(source->read(piece).error(), sys::invalid_argument) << "not open";
    EXPECT_EQ(source->close(), sys::invalid_argument) << "not open";
    EXPECT_EQ(source->fault().reason, session_reason::internal);
    ASSERT_FALSE(source->open(0, 0));
    source->stop();
    EXPECT_EQ(source->read(piece).error(), errc::cancelled);
    EXPECT_EQ(source->open(0, 0), errc::cancelled);
    EXPECT_EQ(source->fault().reason, session_reason::cancelled);
}

TEST(FolderSource, TwentyThousandFilesTravelWithFewDescriptors)
{
    const temporary_folder folder;
    for (int d = 0; d < 20; ++d) {
        const fs::path directory = folder.make_directory("d/deep/" + std::to_string(d));
        for (int f = 0; f < 1000; ++f)
            std::ofstream{directory / ("file-" + std::to_string(f))} << d << ' ' << f;
    }
    const std::size_t before = open_descriptors();
    offered_folder o{folder_options(folder / "d")};
    ASSERT_EQ(o.outline->offer().files, 20'000u);
    ASSERT_EQ(o.outline->offer().directories, 21u);
    EXPECT_EQ(open_descriptors(), before + 1) << "the working directory";
    std::uint64_t bytes = 0;
    for (std::uint32_t i = 0; i < o.outline->entries().size(); ++i) {
        if (o.outline->entries().at(i).kind != entry_kind::file) continue;
        const auto content = take_file(*o.source, i);
        ASSERT_TRUE(content) << o.source->fault().text;
        bytes += content->size();
    }
    EXPECT_EQ(bytes, o.outline->offer().bytes);
    EXPECT_LE(open_descriptors(), before + 4);
}

TEST(FolderSource, ADeepFileIsRead)
{
    const temporary_folder folder;
    fs::path deep;
    for (std::size_t i = 1; i < max_path_components; ++i) deep /= "d";
    folder.write("top" / deep / "file", "deep");
    folder.write("top/e", "shallow");
    offered_folder o{folder_options(folder / "top")};
    EXPECT_EQ(*o.take((deep / "file").string()), "deep");
    EXPECT_EQ(*o.take("e"), "shallow");
    EXPECT_EQ(*o.take((deep / "file").string()), "deep");
}

} // namespace
