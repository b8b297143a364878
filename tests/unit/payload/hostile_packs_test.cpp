// Packs from hostile senders: each is refused with its error, promptly, and leaves the disk as it was.
#include "support/pack_builder.hpp"
#include "unit/payload/hostile_packs.hpp"
#include "unit/payload/push_document.hpp"

#include <gtest/gtest.h>

#include <sys/resource.h>

#include <chrono>
#include <regex>

namespace parley_test {
namespace {

using parley::errc;

long resident_kib()
{
    rusage usage{};
    ::getrusage(RUSAGE_SELF, &usage);
    return usage.ru_maxrss;
}

class hostile_sender : public ::testing::Test {
protected:
    hostile_sender()
    {
        outside.write("beside/precious", "mine");
        outside.write("beside/d.txt", "mine");
        std::filesystem::create_directory(outside / "beside/into");
        outside.write("beside/into/precious", "mine");
        before = listing_of(outside.path());
    }

    temporary_folder outside;
    disk_listing before;

    parley::receiver_options options() const { return into(outside / "beside/into"); }
};

TEST_F(hostile_sender, is_refused_and_leaves_nothing)
{
    std::mt19937 random(99);
    for (const hostile_pack& pack : hostile_packs()) {
        SCOPED_TRACE(pack.name);
        auto with_limits = options();
        with_limits.limits = pack.limits;
        with_limits.limits.free_space_reserve_bytes = 0;
        for (const int way : {0, 1, 2}) {
            if (way == 1 && pack.stream.size() > 4000) continue;
            const auto begin = std::chrono::steady_clock::now();
            const auto result = push(with_limits, pack.stream, [&]() -> std::size_t {
                return way == 0 ? pack.stream.size() : way == 1 ? 1 : 1 + random() % 3000;
            });
            const auto took = std::chrono::steady_clock::now() - begin;
            ASSERT_EQ(result.error, pack.expected) << result.error.message() << ": " << result.detail;
            EXPECT_EQ(result.error, pack.expected == errc::no_room ? parley::condition::local_fault
                                                                   : parley::condition::peer_fault);
            EXPECT_EQ(result.detail.find_first_of("\n\x1b\x7f"), std::string::npos) << "escaped";
            EXPECT_LT(took, std::chrono::minutes(5));
            ASSERT_TRUE(listing_of(outside.path()) == before);
        }
    }
}

TEST_F(hostile_sender, stops_anywhere)
{
    std::mt19937 random(5);
    for (const std::string& stream :
         {file_pack("f", hello),
          shuffled_pack(directory_objects("d", {{"a", "1"}, {"b/c", hello}, {"e", "Hello!"}}), random)}) {
        for (std::size_t length = 0; length < stream.size(); ++length) {
            const auto result = push(options(), std::string_view(stream).substr(0, length));
            ASSERT_EQ(result.error, errc::pack_truncated) << length;
            ASSERT_TRUE(listing_of(outside.path()) == before) << length;
        }
    }
}

// Whichever single byte is wrong, the receiver refuses the document or the document is valid. (The trailer
// does not cover its own bytes, and a zlib header has bits without meaning, but the SHA-1 covers those, too.)
TEST_F(hostile_sender, changes_a_byte)
{
    std::mt19937 random(6);
    const std::string stream =
        shuffled_pack(directory_objects("d", {{"a", "1"}, {"b/c", hello}, {"e", "Hello!"}}), random);
    for (std::size_t at = 0; at < stream.size(); ++at) {
        for (const int change : {1, 128, 255}) {
            std::string bad = stream;
            bad[at] = static_cast<char>(bad[at] ^ change);
            const auto result = push(options(), bad);
            ASSERT_TRUE(result.error) << at;
            ASSERT_TRUE(listing_of(outside.path()) == before) << at;
        }
    }
}

// The same with a correct trailer. What the receiver then accepts must be a complete document, in its place
// only.
TEST_F(hostile_sender, changes_bytes_and_makes_the_trailer_fit)
{
    std::mt19937 random(8);
    auto objects = directory_objects("d", {{"a", "1"}, {"b/c", hello}, {"e", "Hello!"}, {"b/e", "11"}});
    for (int round = 0; round < 600; ++round) {
        std::string stream;
        {
            pack_builder pack;
            pack.level = 0;
            std::shuffle(objects.begin(), objects.end(), random);
            const std::size_t victim = random() % objects.size();
            for (std::size_t i = 0; i < objects.size(); ++i) {
                std::string content = objects[i].content;
                if (i == victim && !content.empty())
                    content[random() % content.size()] = static_cast<char>(random() % 256);
                pack.add(objects[i].kind, content);
            }
            stream = pack.finish();
        }
        if (round % 2 == 0) {
            stream.resize(stream.size() - 20);
            stream[12 + random() % (stream.size() - 12)] = static_cast<char>(random() % 256);
            stream = pack_builder::with_trailer(std::move(stream));
        }
        const auto result = push(options(), stream);
        if (result.error) {
            ASSERT_TRUE(listing_of(outside.path()) == before) << round;
            continue;
        }
        ASSERT_EQ(result.document->path.parent_path(), outside / "beside/into");
        std::filesystem::remove_all(result.document->path);
        ASSERT_TRUE(listing_of(outside.path()) == before) << round;
    }
}

TEST_F(hostile_sender, announces_a_million_entries_and_costs_nothing_yet)
{
    std::string stream = pack_builder().finish(1'000'000);
    stream.resize(12);
    const long resident = resident_kib();
    for (int i = 0; i < 20; ++i) {
        auto receiver = parley::document_receiver::create(options());
        ASSERT_TRUE(receiver);
        ASSERT_FALSE(receiver->write(parley::as_bytes(stream)));
        EXPECT_EQ(receiver->commit().error(), errc::pack_truncated);
    }
    EXPECT_LT(resident_kib() - resident, 4096) << "nothing is reserved from a mere announcement";
    EXPECT_TRUE(listing_of(outside.path()) == before);
}

TEST_F(hostile_sender, cannot_fill_the_disk)
{
    auto full = options();
    full.limits.free_space_reserve_bytes = UINT64_MAX;
    full.limits.free_space_reserve_share = 1;
    const auto file = push(full, file_pack("f", hello));
    EXPECT_EQ(file.error, errc::no_room);
    EXPECT_TRUE(
        std::regex_match(file.detail, std::regex{"it needs 13 B; .* are free, of which .* stay free"}))
        << file.detail;
    EXPECT_EQ(push(full, directory_pack("d", {{"a", "1"}})).error, errc::no_room);
    EXPECT_TRUE(listing_of(outside.path()) == before);
}

} // namespace
} // namespace parley_test
