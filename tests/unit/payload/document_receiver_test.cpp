#include "support/pack_builder.hpp"
#include "unit/payload/push_document.hpp"

#include <nlohmann/json.hpp>

#include <gtest/gtest.h>

#include <sys/file.h>
#include <sys/stat.h>

#include <fcntl.h>
#include <unistd.h>

#include <cstdlib>

namespace parley_test {
namespace {

using parley::document_receiver;
using parley::errc;
using parley::error_code;
namespace fs = std::filesystem;

std::string text_of(const fs::path& path)
{
    std::ifstream in(path, std::ios::binary);
    return std::string(std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>());
}

fs::path transcripts()
{
    const char* given = std::getenv("PARLEY_VECTORS");
    return fs::path(given != nullptr ? given : PARLEY_TEST_DATA) / "transcripts";
}

struct recorded_pack {
    std::string name; // of the transcript
    std::string stream;
    bool is_directory = false;
};

// The documents that the reference's senders sent.
std::vector<recorded_pack> recorded_packs()
{
    std::vector<recorded_pack> out;
    for (const auto& entry : fs::directory_iterator(transcripts())) {
        if (entry.path().extension() != ".json") continue;
        std::ifstream in(entry.path());
        const auto transcript = nlohmann::json::parse(in);
        for (const auto& peer : transcript.at("peers")) {
            if (peer.at("kind") != "send" || !peer.contains("pack_stream_plaintext")) continue;
            const auto bytes = parley::from_hex(peer.at("pack_stream_plaintext").get<std::string>());
            EXPECT_TRUE(bytes.ok);
            recorded_pack pack{entry.path().stem().string(), std::string(parley::as_text(bytes.bytes)),
                               false};
            pack.is_directory = pack.name.find("-dir") != std::string::npos;
            out.push_back(std::move(pack));
        }
    }
    std::sort(out.begin(), out.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
    return out;
}

// ---- documents of the reference

TEST(DocumentReceiver, takes_every_recorded_document_in_any_split)
{
    const auto packs = recorded_packs();
    ASSERT_FALSE(packs.empty());
    std::mt19937 random(7);
    for (const recorded_pack& pack : packs) {
        SCOPED_TRACE(pack.name);
        disk_listing expected;
        for (const int way : {0, 1, 2, 3}) {
            temporary_folder folder;
            const std::size_t whole = pack.stream.size();
            const auto result = push(into(folder.path()), pack.stream, [&]() -> std::size_t {
                return way == 0 ? whole : way == 1 ? 1 : way == 2 ? 1 + random() % 40 : 1 + random() % 40'000;
            });
            ASSERT_FALSE(result.error) << result.error.message() << ": " << result.detail;
            EXPECT_EQ(result.document->is_directory, pack.is_directory);
            EXPECT_EQ(result.document->path, folder.path() / result.offered_name);
            EXPECT_TRUE(fs::exists(result.document->path));
            if (way == 0)
                expected = listing_of(folder.path());
            else
                EXPECT_EQ(listing_of(folder.path()), expected) << "split " << way;
        }
    }
}

TEST(DocumentReceiver, hello_is_hello)
{
    for (const recorded_pack& pack : recorded_packs()) {
        if (pack.name.find("single-hello") == std::string::npos) continue;
        temporary_folder folder;
        const auto result = push(into(folder.path()), pack.stream);
        ASSERT_FALSE(result.error) << result.detail;
        EXPECT_EQ(result.offered_name, "hello.txt");
        EXPECT_EQ(text_of(folder / "hello.txt"), "Hello World!\n");
        EXPECT_EQ(result.document->content_bytes, 13u);
        EXPECT_EQ(result.document->files, 1u);
    }
}

// One generation of senders sends ascending ids with deltas, the other sends files first. The tree is the
// same.
TEST(DocumentReceiver, both_generations_send_the_same_directory)
{
    std::optional<disk_listing> first;
    int seen = 0;
    for (const recorded_pack& pack : recorded_packs()) {
        if (!pack.is_directory) continue;
        SCOPED_TRACE(pack.name);
        ++seen;
        temporary_folder folder;
        const auto result = push(into(folder.path()), pack.stream);
        ASSERT_FALSE(result.error) << result.detail;
        const auto listing = listing_of(folder.path());
        EXPECT_EQ(result.document->files + result.document->directories, listing.size());
        if (!first) first = listing;
        EXPECT_TRUE(listing == *first);
        const auto twin = std::find_if(listing.begin(), listing.end(),
                                       [](const auto& e) { return e.first.ends_with("/dup2"); });
        ASSERT_NE(twin, listing.end());
        EXPECT_TRUE(listing.at("dir/dup1") == twin->second) << "equal files arrive twice";
    }
    if (std::getenv("PARLEY_VECTORS") == nullptr) {
        EXPECT_EQ(seen, 3);
    }
}

// ---- what the receiver does with a document

TEST(DocumentReceiver, the_name_can_be_chosen)
{
    temporary_folder folder;
    auto options = into(folder.path());
    options.name = "mine";
    const auto result = push(options, file_pack("theirs", "x"));
    ASSERT_FALSE(result.error) << result.detail;
    EXPECT_EQ(result.offered_name, "theirs");
    EXPECT_EQ(listing_of(folder.path()), (disk_listing{{"mine", bytes_of("x")}}));
    for (const char* hostile : {"../x", "", "..", "a/b", "a\nb", ".parley-abcdefghijklmnop.part"}) {
        options.name = hostile;
        EXPECT_EQ(document_receiver::create(options).error(), errc::hostile_name) << hostile;
    }
}

TEST(DocumentReceiver, a_name_that_begins_with_a_dot_must_be_allowed)
{
    for (const bool is_file : {true, false}) {
        for (const char* name : {".ssh", ".x", "..x", ".."}) {
            const std::string stream =
                is_file ? file_pack(name, "theirs") : directory_pack(name, {{".inside", "theirs"}});
            temporary_folder folder;
            auto options = into(folder.path());
            const auto refused = push(options, stream);
            EXPECT_EQ(refused.error, name == std::string("..") ? errc::hostile_name : errc::refused_by_user)
                << name;
            EXPECT_NE(refused.detail.find(name), std::string::npos) << refused.detail;
            EXPECT_TRUE(listing_of(folder.path()).empty());
            if (name == std::string("..")) continue;
            options.name = "chosen";
            EXPECT_FALSE(push(options, stream).error);
            EXPECT_TRUE(fs::exists(folder / "chosen"));
            options.name.reset();
            options.allow_dot_name = true;
            EXPECT_FALSE(push(options, stream).error);
            EXPECT_TRUE(fs::exists(folder / name));
        }
        temporary_folder folder;
        auto options = into(folder.path());
        options.name = ".mine";
        EXPECT_FALSE(push(options, is_file ? file_pack("f", "x") : directory_pack("f", {{"x", "x"}})).error);
    }
}

TEST(DocumentReceiver, tells_beforehand_what_it_will_place)
{
    temporary_folder folder;
    {
        const std::string content = random_text(100'000, 1);
        const std::string stream = file_pack("big", content);
        auto receiver = document_receiver::create(into(folder.path()));
        ASSERT_TRUE(receiver);
        ASSERT_FALSE(receiver->write(parley::as_bytes(stream).first(14)));
        EXPECT_FALSE(receiver->preview());
        ASSERT_FALSE(receiver->write(parley::as_bytes(stream).subspan(14, 1000)));
        const auto preview = receiver->preview();
        ASSERT_TRUE(preview);
        EXPECT_EQ(preview->path, folder / "big");
        EXPECT_FALSE(preview->is_directory);
        EXPECT_EQ(preview->files, 1u);
        EXPECT_EQ(preview->content_bytes, content.size());
        receiver->abandon();
        EXPECT_FALSE(receiver->preview());
    }
    const std::string stream = directory_pack("d", {{"a", "1"}, {"b/c", "22"}, {"e/", ""}});
    auto options = into(folder.path());
    options.name = "mine";
    auto receiver = document_receiver::create(options);
    ASSERT_TRUE(receiver);
    ASSERT_FALSE(receiver->write(parley::as_bytes(stream).first(stream.size() - 1)));
    EXPECT_FALSE(receiver->preview());
    ASSERT_FALSE(receiver->write(parley::as_bytes(stream).last(1)));
    const auto preview = receiver->preview();
    ASSERT_TRUE(preview);
    EXPECT_EQ(preview->path, folder / "mine");
    EXPECT_TRUE(preview->is_directory);
    EXPECT_EQ(preview->files, 2u);
    EXPECT_EQ(preview->directories, 3u);
    EXPECT_EQ(preview->content_bytes, 3u);
    EXPECT_FALSE(fs::exists(folder / "mine"));
    ASSERT_TRUE(receiver->commit());
    EXPECT_TRUE(fs::exists(folder / "mine/b/c"));
}

TEST(DocumentReceiver, nothing_existing_is_overwritten)
{
    for (const bool is_file : {true, false}) {
        temporary_folder folder;
        folder.write("name", "mine");
        fs::create_symlink("nowhere", folder / "dangling");
        fs::create_directory(folder / "folder");
        const auto before = listing_of(folder.path());
        for (const char* taken : {"name", "dangling", "folder"}) {
            const std::string stream =
                is_file ? file_pack(taken, "theirs") : directory_pack(taken, {{"a", "theirs"}});
            const auto offered = push(into(folder.path()), stream);
            EXPECT_EQ(offered.error, errc::destination_exists) << taken;
            auto options = into(folder.path());
            options.name = taken;
            EXPECT_EQ(document_receiver::create(options).error(), errc::destination_exists) << taken;
            EXPECT_EQ(listing_of(folder.path()), before);
        }
    }
}

TEST(DocumentReceiver, a_taken_name_is_found_before_the_content_comes)
{
    temporary_folder folder;
    folder.write("big", "mine");
    const std::string stream = file_pack("big", std::string(1000, 'x'));
    auto receiver = document_receiver::create(into(folder.path()));
    ASSERT_TRUE(receiver);
    EXPECT_EQ(receiver->write(parley::as_bytes(stream).first(40)), errc::destination_exists);
}

// The name was free at the start and is taken at the end. The user frees it and commits again.
TEST(DocumentReceiver, a_name_taken_meanwhile_can_be_cleared)
{
    temporary_folder folder;
    auto receiver = document_receiver::create(into(folder.path()));
    ASSERT_TRUE(receiver);
    ASSERT_FALSE(receiver->write(parley::as_bytes(directory_pack("d", {{"a", "1"}}))));
    ASSERT_TRUE(receiver->complete());
    folder.write("d", "mine");
    EXPECT_EQ(receiver->commit().error(), errc::destination_exists);
    EXPECT_EQ(text_of(folder / "d"), "mine");
    fs::remove(folder / "d");
    EXPECT_TRUE(receiver->commit());
    EXPECT_EQ(listing_of(folder.path()), (disk_listing{{"d", {}}, {"d/a", bytes_of("1")}}));
    EXPECT_EQ(receiver->commit().error(), errc::cancelled) << "once";
    receiver->abandon();
    EXPECT_TRUE(fs::exists(folder / "d/a")) << "what was committed stays";
}

TEST(DocumentReceiver, nothing_is_created_before_the_content)
{
    temporary_folder folder;
    const std::string stream = file_pack("name", "content");
    auto receiver = document_receiver::create(into(folder.path()));
    ASSERT_TRUE(receiver);
    ASSERT_FALSE(receiver->write(parley::as_bytes(stream).first(20)));
    EXPECT_TRUE(listing_of(folder.path()).empty());
    EXPECT_EQ(receiver->commit().error(), errc::pack_truncated);
    EXPECT_NE(receiver->error_detail().find("20 bytes"), std::string::npos) << receiver->error_detail();
}

TEST(DocumentReceiver, the_staging_is_hidden_private_and_gone_afterwards)
{
    const std::string stream = directory_pack("d", {{"a", "1"}, {"b/c", "2"}, {"e/", ""}});
    for (const bool abandon : {true, false}) {
        temporary_folder folder;
        {
            auto receiver = document_receiver::create(into(folder.path()));
            ASSERT_TRUE(receiver);
            ASSERT_FALSE(receiver->write(parley::as_bytes(stream).first(stream.size() - 1)));
            const auto staged = listing_of(folder.path());
            ASSERT_FALSE(staged.empty());
            const fs::path top = folder / staged.begin()->first;
            EXPECT_TRUE(top.filename().string().starts_with(".parley-"));
            EXPECT_EQ(fs::status(top).permissions(), fs::perms::owner_all);
            if (abandon) {
                receiver->abandon();
                EXPECT_TRUE(listing_of(folder.path()).empty());
                EXPECT_EQ(receiver->write({}), errc::cancelled);
                EXPECT_EQ(receiver->commit().error(), errc::cancelled);
                receiver->abandon();
            }
        }
        EXPECT_TRUE(listing_of(folder.path()).empty());
    }
}

TEST(DocumentReceiver, small_files_are_made_where_they_stay)
{
    const std::string stream = directory_pack("d", {{"a", "1"}, {"b/c", "2"}});
    temporary_folder folder;
    auto receiver = document_receiver::create(into(folder.path()));
    ASSERT_TRUE(receiver);
    ASSERT_FALSE(receiver->write(parley::as_bytes(stream).first(stream.size() - 1)));
    std::map<std::string, std::string> staged; // files in the folders of the staging area: name to path
    for (const auto& entry : listing_of(folder.path()))
        if (const fs::path path = entry.first; std::distance(path.begin(), path.end()) == 3)
            staged[path.filename().string()] = entry.first;
    ASSERT_EQ(staged.size(), 2u) << "in their folders, though the trailer has not come";
    const auto inode = [&folder](const std::string& path) {
        struct stat is{};
        EXPECT_EQ(::stat((folder / path).c_str(), &is), 0) << path;
        return is.st_ino;
    };
    const auto of_a = inode(staged.at("a"));
    const auto of_c = inode(staged.at("c"));
    ASSERT_FALSE(receiver->write(parley::as_bytes(stream).last(1)));
    ASSERT_TRUE(receiver->commit());
    EXPECT_EQ(inode("d/a"), of_a);
    EXPECT_EQ(inode("d/b/c"), of_c);
}

TEST(DocumentReceiver, modes_follow_the_umask)
{
    temporary_folder folder;
    const mode_t old = ::umask(027);
    const auto result = push(into(folder.path()), directory_pack("d", {{"a", "1"}, {"b/c", "2"}}));
    ::umask(old);
    ASSERT_FALSE(result.error) << result.detail;
    const auto mode = [&](const char* path) {
        return static_cast<unsigned>(fs::status(folder / path).permissions());
    };
    EXPECT_EQ(mode("d"), 0750u);
    EXPECT_EQ(mode("d/b"), 0750u);
    EXPECT_EQ(mode("d/a"), 0640u);
    EXPECT_EQ(mode("d/b/c"), 0640u);
}

TEST(DocumentReceiver, tells_what_arrived)
{
    temporary_folder folder;
    auto receiver = document_receiver::create(into(folder.path()));
    ASSERT_TRUE(receiver);
    const std::string content = random_text(300'000, 1);
    const std::string stream = file_pack("big", content);
    EXPECT_EQ(receiver->offered_name(), "");
    EXPECT_FALSE(receiver->expected_content_bytes());
    ASSERT_FALSE(receiver->write(parley::as_bytes(stream).first(200'000)));
    EXPECT_EQ(receiver->offered_name(), "big");
    EXPECT_EQ(receiver->expected_content_bytes(), content.size());
    EXPECT_GT(receiver->content_bytes_written(), 50'000u);
    EXPECT_LE(receiver->content_bytes_written(), 200'000u);
    EXPECT_EQ(receiver->stream_bytes(), 200'000u);
    ASSERT_FALSE(receiver->write(parley::as_bytes(stream).subspan(200'000)));
    EXPECT_EQ(receiver->content_bytes_written(), content.size());
    ASSERT_TRUE(receiver->commit());
    EXPECT_EQ(text_of(folder / "big"), content);
}

TEST(DocumentReceiver, what_follows_the_trailer_is_thrown_away)
{
    temporary_folder folder;
    auto receiver = document_receiver::create(into(folder.path()));
    ASSERT_TRUE(receiver);
    ASSERT_FALSE(receiver->write(parley::as_bytes(file_pack("f", "x") + "PACK junk")));
    EXPECT_TRUE(receiver->complete());
    const std::string junk = random_text(100'000, 3);
    for (int i = 0; i < 20; ++i) ASSERT_FALSE(receiver->write(parley::as_bytes(junk)));
    ASSERT_TRUE(receiver->commit());
    EXPECT_FALSE(receiver->write(parley::as_bytes(junk))) << "after the commit too";
    EXPECT_EQ(listing_of(folder.path()), (disk_listing{{"f", bytes_of("x")}}));
}

TEST(DocumentReceiver, equal_files_and_directories_arrive_as_often_as_they_are_named)
{
    const std::string big = random_text(200'000, 5);
    const file_map files = {{"a", big},       {"b", big},    {"x/a", big},      {"x/b", big},
                            {"y/a", big},     {"y/b", big},  {"once", "1"},     {"x/e", ""},
                            {"y/e", ""},      {"empty", ""}, {"deep/x/a", big}, {"deep/x/b", big},
                            {"deep/x/e", ""}, {"none/", ""}, {"deep/none/", ""}};
    temporary_folder folder;
    const auto result = push(into(folder.path()), directory_pack("d", files));
    ASSERT_FALSE(result.error) << result.detail;
    const auto listing = listing_of(folder.path());
    std::uint64_t bytes = 0;
    std::uint64_t count = 0;
    for (const auto& [path, content] : files) {
        if (path.ends_with('/')) {
            EXPECT_TRUE(fs::is_empty(folder / ("d/" + path)));
            continue;
        }
        EXPECT_EQ(text_of(folder / ("d/" + path)), content) << path;
        EXPECT_EQ(fs::hard_link_count(folder / ("d/" + path)), 1u) << path << " is a file of its own";
        bytes += content.size();
        ++count;
    }
    EXPECT_EQ(result.document->files, count);
    EXPECT_EQ(result.document->content_bytes, bytes);
    EXPECT_EQ(result.document->directories, 7u);
    EXPECT_EQ(listing.size(), count + 7);
}

// Nothing is made of a directory before the number of its paths is known and accepted.
TEST(DocumentReceiver, paths_are_made_by_the_commit)
{
    pack_builder pack;
    std::string level;
    for (int i = 0; i < 9; ++i) {
        pack.add(tree_kind, level);
        const pack_id below = pack_object_id(tree_kind, level);
        level = tree_line("40000", "a", below) + tree_line("40000", "b", below);
    }
    pack.add(tree_kind, level);
    pack.add(root_kind, root_text("d", pack_object_id(tree_kind, level)));
    temporary_folder folder;
    auto receiver = document_receiver::create(into(folder.path()));
    ASSERT_TRUE(receiver);
    ASSERT_FALSE(receiver->write(parley::as_bytes(pack.finish())));
    EXPECT_EQ(receiver->preview()->directories, 1023u);
    EXPECT_EQ(listing_of(folder.path()).size(), 2u) << "the staging folder and its spool";
    ASSERT_TRUE(receiver->commit());
    EXPECT_EQ(listing_of(folder.path()).size(), 1023u);
}

TEST(DocumentReceiver, unused_and_repeated_objects_are_legal)
{
    auto objects = directory_objects("d", {{"a", "1"}, {"b/c", "2"}});
    objects.push_back(objects[0]);
    objects.push_back({blob_kind, "nobody names me", {}});
    objects.push_back({tree_kind, tree_line("100644", "../evil", objects[0].id), {}});
    temporary_folder folder;
    const auto result = push(into(folder.path()), pack_of(objects));
    ASSERT_FALSE(result.error) << result.detail;
    EXPECT_EQ(listing_of(folder.path()),
              (disk_listing{{"d", {}}, {"d/a", bytes_of("1")}, {"d/b", {}}, {"d/b/c", bytes_of("2")}}));
}

TEST(DocumentReceiver, executables_are_files_too)
{
    pack_builder pack;
    pack.add(blob_kind, "#!");
    const std::string tree = tree_line("100755", "run", pack_object_id(blob_kind, "#!"));
    pack.add(tree_kind, tree);
    pack.add(root_kind, root_text("d", pack_object_id(tree_kind, tree)));
    temporary_folder folder;
    const auto result = push(into(folder.path()), pack.finish());
    ASSERT_FALSE(result.error) << result.detail;
    EXPECT_EQ(text_of(folder / "d/run"), "#!");
    EXPECT_EQ(fs::status(folder / "d/run").permissions() & fs::perms::owner_exec, fs::perms::none);
}

// ---- order and deltas

TEST(DocumentReceiver, entries_come_in_any_order_with_deltas_of_both_kinds)
{
    std::mt19937_64 random(20250101);
    file_map files;
    for (int i = 0; i < 24; ++i) {
        std::string content = wordy_text(3'000, static_cast<unsigned>(i / 6));
        content.replace(random() % 2'900, 20, "CHANGED" + std::to_string(i));
        files["d" + std::to_string(i % 4) + "/f" + std::to_string(i)] = content;
    }
    files["big"] = random_text(400'000, 9);
    files["bigger"] = files["big"] + "and more";
    files["e/"] = "";
    files["same"] = files["big"];
    const auto objects = directory_objects("top", files);
    std::optional<disk_listing> expected;
    for (int round = 0; round < 30; ++round) {
        SCOPED_TRACE(round);
        const std::string stream = shuffled_pack(objects, random);
        temporary_folder folder;
        const std::size_t piece = 1 + random() % 50'000;
        const auto result = push(into(folder.path()), stream, [&] { return piece; });
        ASSERT_FALSE(result.error) << result.error.message() << ": " << result.detail;
        const auto listing = listing_of(folder.path());
        if (!expected) {
            expected = listing;
            for (const auto& [path, content] : files)
                if (!path.ends_with('/')) {
                    EXPECT_EQ(listing.at("top/" + path), bytes_of(content)) << path;
                }
        }
        EXPECT_TRUE(listing == *expected);
    }
}

TEST(DocumentReceiver, a_chain_of_deltas_whose_base_comes_last)
{
    constexpr int length = 300;
    std::vector<std::string> contents;
    for (int i = 0; i < length; ++i) contents.push_back("version " + std::to_string(i) + wordy_text(200, 4));
    pack_builder pack;
    for (int i = length - 1; i > 0; --i)
        pack.add_reference_delta(
            pack_object_id(blob_kind, contents[static_cast<std::size_t>(i - 1)]),
            make_delta(contents[static_cast<std::size_t>(i - 1)], contents[static_cast<std::size_t>(i)]));
    // An offset delta against a delta that still waits.
    pack.add_offset_delta(0, make_delta(contents.back(), "the end"));
    pack.add(blob_kind, contents[0]);
    const std::string tree = tree_line("100644", "end", pack_object_id(blob_kind, "the end")) +
                             tree_line("100644", "last", pack_object_id(blob_kind, contents.back()));
    pack.add(tree_kind, tree);
    pack.add(root_kind, root_text("d", pack_object_id(tree_kind, tree)));
    const std::string stream = pack.finish();
    temporary_folder folder;
    const auto result = push(into(folder.path()), stream);
    ASSERT_FALSE(result.error) << result.detail;
    EXPECT_EQ(text_of(folder / "d/last"), contents.back());
    EXPECT_EQ(text_of(folder / "d/end"), "the end");

    temporary_folder other;
    auto options = into(other.path());
    options.limits.max_delta_depth = length - 1;
    EXPECT_EQ(push(options, stream).error, errc::pack_bad_delta) << "deeper than allowed";
    EXPECT_TRUE(listing_of(other.path()).empty());
    options.limits.max_delta_depth = length;
    EXPECT_FALSE(push(options, stream).error);
}

// ---- staging folders left by others

class stale_staging : public ::testing::Test {
protected:
    static constexpr const char* name = ".parley-abcdefghijklmnop.part";
    temporary_folder folder;
};

TEST_F(stale_staging, of_a_killed_receiver_goes_when_the_next_begins)
{
    folder.write(fs::path(name) / "document/a/b/c", "x");
    folder.write(fs::path(name) / "3", "x");
    fs::create_symlink(folder / "precious", folder / name / "document/link");
    folder.write("precious/x", "mine");
    fs::permissions(folder / name, fs::perms::owner_all);
    ASSERT_TRUE(document_receiver::create(into(folder.path())));
    EXPECT_EQ(listing_of(folder.path()), (disk_listing{{"precious", {}}, {"precious/x", bytes_of("mine")}}));
}

TEST_F(stale_staging, in_use_open_to_others_or_of_another_form_stays)
{
    folder.write(fs::path(name) / "3", "x");
    const char* others[] = {".parley-abcdefghijklmno.part", ".parley-abcdefghijklmnop.parts",
                            "parley-abcdefghijklmnop.part"};
    for (const char* other : others) {
        fs::create_directory(folder / other);
        fs::permissions(folder / other, fs::perms::owner_all);
    }
    fs::create_symlink("precious", folder / ".parley-ponmlkjihgfedcba.part");
    folder.write("precious/x", "mine");
    const auto before = listing_of(folder.path());
    ASSERT_TRUE(document_receiver::create(into(folder.path())));
    EXPECT_EQ(listing_of(folder.path()), before) << "its mode lets others in: not ours";
    fs::permissions(folder / name, fs::perms::owner_all);
    const int fd = ::open((folder / name).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    ASSERT_GE(fd, 0);
    ASSERT_EQ(::flock(fd, LOCK_EX | LOCK_NB), 0);
    ASSERT_TRUE(document_receiver::create(into(folder.path())));
    EXPECT_EQ(listing_of(folder.path()), before) << "locked: in use";
    ::close(fd);
}

TEST_F(stale_staging, two_receivers_in_one_folder_leave_each_other_alone)
{
    const std::string first = directory_pack("one", {{"a", "1"}});
    const std::string second = directory_pack("two", {{"a", "2"}});
    auto a = document_receiver::create(into(folder.path()));
    ASSERT_TRUE(a);
    ASSERT_FALSE(a->write(parley::as_bytes(first).first(first.size() - 3)));
    auto b = document_receiver::create(into(folder.path()));
    ASSERT_TRUE(b);
    ASSERT_FALSE(b->write(parley::as_bytes(second)));
    ASSERT_TRUE(b->commit());
    ASSERT_FALSE(a->write(parley::as_bytes(first).last(3)));
    ASSERT_TRUE(a->commit());
    EXPECT_EQ(text_of(folder / "one/a"), "1");
    EXPECT_EQ(text_of(folder / "two/a"), "2");
}

TEST(DocumentReceiver, says_what_is_wrong_with_its_folder)
{
    temporary_folder folder;
    EXPECT_EQ(document_receiver::create(into(folder / "absent")).error(),
              boost::system::errc::no_such_file_or_directory);
    folder.write("file", "x");
    EXPECT_EQ(document_receiver::create(into(folder / "file")).error(), boost::system::errc::not_a_directory);
}

} // namespace
} // namespace parley_test
