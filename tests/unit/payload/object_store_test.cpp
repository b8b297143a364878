#include "payload/in/object_store.hpp"
#include "support/pack_builder.hpp"
#include "unit/payload/push_document.hpp"

#include <parley/crypto/random.hpp>

#include <gtest/gtest.h>

#include <ctime>

namespace parley_test {
namespace {

using parley::as_bytes;
using parley::entry_header;
using parley::errc;
using parley::error_code;
using parley::guarded_directory;
using parley::object_store;
using parley::pack_entry_kind;

class store_test : public ::testing::Test {
protected:
    store_test() : directory(*guarded_directory::open(folder.path()))
    {
        limits.free_space_reserve_bytes = 0;
        renew();
    }
    void renew()
    {
        store.emplace(limits, parley::system_random());
        store->stage_in(directory);
        offset = 12;
    }
    error_code give(const entry_header& header, std::string_view content, std::size_t piece = 1 << 20)
    {
        error_code error = store->begin(header, offset);
        offset += 100;
        while (!error && !content.empty()) {
            error = store->content(as_bytes(content.substr(0, piece)));
            content.remove_prefix(std::min(piece, content.size()));
        }
        return error ? error : store->end();
    }
    error_code give(pack_entry_kind kind, std::string_view content, std::size_t piece = 1 << 20)
    {
        return give(entry_header{kind, content.size(), 0, {}}, content, piece);
    }
    // A delta against the entry `back` entries before it.
    error_code give_offset(std::uint64_t back, std::string_view delta, std::size_t piece = 1 << 20)
    {
        return give(entry_header{pack_entry_kind::offset_delta, delta.size(), back * 100, {}}, delta, piece);
    }
    error_code give_reference(const pack_id& base, std::string_view delta)
    {
        return give(entry_header{pack_entry_kind::reference_delta, delta.size(), 0, base}, delta);
    }
    std::optional<std::string> file(std::string_view content)
    {
        const auto number = store->index().find(pack_object_id(blob_kind, content));
        if (!number) return std::nullopt;
        const auto listing = listing_of(folder.path());
        const auto found = listing.find(object_store::staged_name(*number));
        if (found == listing.end()) return std::nullopt;
        return std::string(parley::as_text(*found->second));
    }
    std::string directory_content(std::uint32_t number)
    {
        std::string out(store->index().at(number).size, '\0');
        const parley::mutable_bytes bytes(reinterpret_cast<parley::byte*>(out.data()), out.size());
        EXPECT_FALSE(store->read_directory(number, 0, bytes));
        return out;
    }

    temporary_folder folder;
    guarded_directory directory;
    parley::receiver_limits limits;
    std::optional<object_store> store;
    std::uint64_t offset = 12;
};

TEST_F(store_test, keeps_files_and_directories_under_their_ids)
{
    const std::string big = random_text(200'000, 1);
    for (const std::size_t piece : {std::size_t{1}, std::size_t{1} << 20}) {
        ASSERT_FALSE(give(pack_entry_kind::file, big, piece == 1 ? 333 : piece));
        ASSERT_FALSE(give(pack_entry_kind::file, "small", piece));
        ASSERT_FALSE(give(pack_entry_kind::file, "", piece));
        ASSERT_FALSE(give(pack_entry_kind::directory, "a directory's content", piece));
        ASSERT_FALSE(give(pack_entry_kind::directory, "another's", piece));
        EXPECT_TRUE(file(big) == big);
        EXPECT_EQ(file("small"), "small");
        EXPECT_EQ(file(""), "");
        EXPECT_EQ(directory_content(3), "a directory's content");
        EXPECT_EQ(directory_content(4), "another's");
        EXPECT_EQ(store->index().find(pack_object_id(tree_kind, "another's")), 4u);
        EXPECT_EQ(store->file_bytes_written(), big.size() + 5);
        for (const auto& entry : std::filesystem::directory_iterator(folder.path()))
            std::filesystem::remove(entry);
        renew();
    }
}

TEST_F(store_test, an_object_that_comes_twice_takes_no_second_file)
{
    ASSERT_FALSE(give(pack_entry_kind::file, "same"));
    ASSERT_FALSE(give(pack_entry_kind::file, "same"));
    EXPECT_EQ(listing_of(folder.path()).size(), 1u);
    ASSERT_FALSE(give_offset(1, make_delta("same", "other"))) << "the second is a base all the same";
    EXPECT_EQ(file("other"), "other");
}

// Whatever a delta would make has the name of its number, which is taken here.
TEST_F(store_test, a_delta_that_copies_its_whole_base_makes_nothing)
{
    const std::string base = random_text(100'000, 1);
    ASSERT_FALSE(give(pack_entry_kind::file, base));
    for (const char* taken : {"1", "2", "3", "4"}) folder.write(taken, "mine");
    ASSERT_FALSE(give_offset(1, make_delta(base, base)));
    delta_text parts(base.size(), base.size());
    parts.copy(0, 1).copy(1, 65536).copy(65537, base.size() - 65537);
    ASSERT_FALSE(give_offset(1, parts.text(), 1)) << "of a duplicate";
    ASSERT_FALSE(give_reference(pack_object_id(blob_kind, base), parts.text()));
    EXPECT_EQ(store->file_bytes_written(), 4 * base.size());
    for (std::uint32_t number = 1; number <= 3; ++number) {
        EXPECT_EQ(store->index().at(number).state, parley::object_state::duplicate);
        EXPECT_EQ(store->index().holder(number), 0u);
    }
    EXPECT_EQ(give_offset(1, make_delta(base, base + "!")), errc::destination_exists);
}

TEST_F(store_test, a_delta_that_only_begins_like_its_base)
{
    const std::string base = random_text(100'000, 1);
    ASSERT_FALSE(give(pack_entry_kind::file, base));
    std::uint64_t back = 1;
    const std::string mixed = base.substr(0, 70'000) + "inserted" + base.substr(70'008);
    ASSERT_FALSE(give_offset(back++, make_delta(base, mixed), 3));
    EXPECT_TRUE(file(mixed) == mixed);
    const std::string turned = base.substr(0, 60'000) + base.substr(0, 40'000);
    ASSERT_FALSE(give_offset(back++, delta_text(100'000, 100'000).copy(0, 60'000).copy(0, 40'000).text()));
    EXPECT_TRUE(file(turned) == turned);
    const std::string shorter = base.substr(0, 99'999);
    ASSERT_FALSE(give_offset(back++, make_delta(base, shorter)));
    EXPECT_TRUE(file(shorter) == shorter);
    EXPECT_EQ(give_offset(back++, delta_text(100'000, 100'000).copy(0, 60'000).text()), errc::pack_bad_delta);
}

TEST_F(store_test, a_directory_and_an_empty_file_are_copied_whole_too)
{
    ASSERT_FALSE(give(pack_entry_kind::directory, "names"));
    ASSERT_FALSE(give_offset(1, make_delta("names", "names")));
    EXPECT_EQ(store->index().at(1).state, parley::object_state::duplicate);
    ASSERT_FALSE(give(pack_entry_kind::file, ""));
    ASSERT_FALSE(give_offset(1, make_delta("", "")));
    EXPECT_EQ(store->index().holder(3), 2u);
    EXPECT_EQ(listing_of(folder.path()).at("spool"), bytes_of("names"));
}

// What senders may do that do not know that they send a content again.
TEST_F(store_test, contents_that_come_again_in_full_are_taken)
{
    const std::string content(1 << 20, 'x');
    for (int i = 0; i < 300; ++i) {
        ASSERT_FALSE(give(pack_entry_kind::file, content)) << i;
        offset += 1100; // as long as such a file is in a pack
    }
    EXPECT_EQ(listing_of(folder.path()).size(), 1u);
}

TEST_F(store_test, tells_whether_so_many_files_could_be_made)
{
    EXPECT_FALSE(store->could_make(0));
    EXPECT_FALSE(store->could_make(1));
    if (directory.free_space().free_inodes != UINT64_MAX) {
        EXPECT_EQ(store->could_make(UINT64_MAX), errc::no_room);
        EXPECT_NE(store->problem().find("18446744073709551615 more files"), std::string::npos)
            << store->problem();
    }
}

TEST_F(store_test, applies_deltas_on_deltas_of_files_and_directories)
{
    const std::string base = random_text(150'000, 2);
    const std::string next = base.substr(0, 70'000) + "inserted" + base.substr(80'000);
    ASSERT_FALSE(give(pack_entry_kind::file, base));
    ASSERT_FALSE(give_offset(1, make_delta(base, next), 5));
    ASSERT_FALSE(give_offset(1, make_delta(next, "and nothing of it")));
    ASSERT_FALSE(give_reference(pack_object_id(blob_kind, next), make_delta(next, next + "!")));
    EXPECT_TRUE(file(next) == next);
    EXPECT_TRUE(file(next + "!") == next + "!");
    EXPECT_EQ(file("and nothing of it"), "and nothing of it");
    ASSERT_FALSE(give(pack_entry_kind::directory, "names"));
    ASSERT_FALSE(give_offset(1, make_delta("names", "names and ids")));
    EXPECT_EQ(store->index().find(pack_object_id(tree_kind, "names and ids")), 5u) << "of its base's kind";
    EXPECT_EQ(directory_content(5), "names and ids");
    EXPECT_EQ(store->index().at(3).delta_depth, 2u);
    EXPECT_FALSE(store->resolve_waiting());
}

TEST_F(store_test, many_small_copies_from_all_over_a_base)
{
    const std::string base = random_text(100'000, 3);
    std::mt19937 random(4);
    std::string expected;
    delta_text instructions(base.size(), 20'000 * 5);
    for (int i = 0; i < 20'000; ++i) {
        const std::size_t at = random() % (base.size() - 5);
        instructions.copy(at, 5);
        expected += base.substr(at, 5);
    }
    ASSERT_FALSE(give(pack_entry_kind::file, base));
    ASSERT_FALSE(give_offset(1, instructions.text(), 1000));
    EXPECT_TRUE(file(expected) == expected);
}

TEST_F(store_test, deltas_wait_for_bases_that_come_later)
{
    // c waits for b by id, d for c by offset, e for d by id, b for a by id; a comes last.
    ASSERT_FALSE(give_reference(pack_object_id(blob_kind, "b"), make_delta("b", "c")));
    ASSERT_FALSE(give_offset(1, make_delta("c", "d")));
    ASSERT_FALSE(give_reference(pack_object_id(blob_kind, "d"), make_delta("d", "e")));
    ASSERT_FALSE(give_reference(pack_object_id(blob_kind, "a"), make_delta("a", "b")));
    ASSERT_FALSE(give(pack_entry_kind::file, "a"));
    for (const char* content : {"b", "c", "d", "e"}) EXPECT_FALSE(file(content)) << content;
    ASSERT_FALSE(store->resolve_waiting());
    for (const char* content : {"a", "b", "c", "d", "e"}) EXPECT_EQ(file(content), content);
}

TEST_F(store_test, results_that_are_already_here_still_serve_those_who_wait_for_them)
{
    ASSERT_FALSE(give_reference(pack_object_id(blob_kind, "base"), make_delta("base", "same")));
    ASSERT_FALSE(give_reference(pack_object_id(blob_kind, "base"), make_delta("base", "same")));
    ASSERT_FALSE(give_offset(1, make_delta("same", "by offset")));
    ASSERT_FALSE(give_reference(pack_object_id(blob_kind, "same"), make_delta("same", "by id")));
    ASSERT_FALSE(give(pack_entry_kind::file, "base"));
    ASSERT_FALSE(store->resolve_waiting()) << store->problem();
    EXPECT_EQ(file("by offset"), "by offset");
    EXPECT_EQ(file("by id"), "by id");
}

// Thousands of deltas that wait for one base, and as many duplicates of it, take linear time.
TEST_F(store_test, a_crowd_before_one_base_is_not_quadratic)
{
    const std::string there = make_delta("base", "same");
    const std::string back = make_delta("same", "base");
    constexpr int crowd = 40'000;
    for (int i = 0; i < crowd; ++i) {
        ASSERT_FALSE(give_reference(pack_object_id(tree_kind, "base"), there));
        ASSERT_FALSE(give_reference(pack_object_id(tree_kind, "same"), back));
    }
    ASSERT_FALSE(give(pack_entry_kind::directory, "base"));
    const std::clock_t begin = std::clock(); // of this process only, however busy the machine is
    ASSERT_FALSE(store->resolve_waiting());
    EXPECT_LT((std::clock() - begin) / CLOCKS_PER_SEC, 10);
    EXPECT_TRUE(store->index().find(pack_object_id(tree_kind, "same")));
}

TEST_F(store_test, says_whose_base_never_came)
{
    ASSERT_FALSE(give(pack_entry_kind::file, "present"));
    ASSERT_FALSE(give_reference(pack_object_id(blob_kind, "absent"), make_delta("absent", "x")));
    ASSERT_FALSE(give_reference(pack_object_id(blob_kind, "present"), make_delta("present", "y")));
    ASSERT_FALSE(give_offset(2, make_delta("x", "z")));
    EXPECT_EQ(store->resolve_waiting(), errc::pack_missing_base);
    EXPECT_EQ(store->problem_entry(), 1u);
    EXPECT_EQ(file("y"), "y");
}

TEST_F(store_test, the_bound_covers_files_directories_instructions_and_results)
{
    limits.max_document_bytes = 1000;
    const std::string large(600, 'x');
    for (const auto kind : {pack_entry_kind::file, pack_entry_kind::directory}) {
        renew();
        std::filesystem::remove_all(folder / "spool");
        std::filesystem::remove_all(folder / "0");
        ASSERT_FALSE(give(kind, large));
        EXPECT_EQ(store->begin({kind, 600, 0, {}}, offset), errc::document_too_large);
    }
    renew();
    std::filesystem::remove_all(folder / "spool");
    ASSERT_FALSE(give_reference(pack_id{}, large)) << "instructions that wait are not looked into";
    EXPECT_EQ(store->begin({pack_entry_kind::reference_delta, 600, 0, {}}, offset), errc::document_too_large);
    renew();
    std::filesystem::remove_all(folder / "spool");
    ASSERT_FALSE(give(pack_entry_kind::file, large));
    EXPECT_EQ(give_offset(1, delta_text(600, 600).copy(300, 300).copy(0, 300).text()),
              errc::document_too_large);
    EXPECT_EQ(store->could_take(400), error_code());
    EXPECT_EQ(store->could_take(401), errc::document_too_large);
}

TEST_F(store_test, places_a_file_once_or_often)
{
    ASSERT_FALSE(give(pack_entry_kind::file, "once"));
    ASSERT_FALSE(give(pack_entry_kind::file, "often"));
    const auto into = directory.make_directory("into");
    EXPECT_FALSE(store->place_file(0, *into, "a", false));
    for (const char* name : {"b", "c", "d"}) EXPECT_FALSE(store->place_file(1, *into, name, true));
    EXPECT_EQ(store->place_file(1, *into, "d", true), errc::destination_exists);
    const auto listing = listing_of(folder.path());
    EXPECT_EQ(listing.at("into/a"), bytes_of("once"));
    for (const char* path : {"into/b", "into/c", "into/d"}) EXPECT_EQ(listing.at(path), bytes_of("often"));
    EXPECT_FALSE(listing.contains("0")) << "moved";
}

// ---- small files in memory

class holding_store : public store_test {
protected:
    holding_store() { store->hold_small_files(); }
    std::size_t staged()
    {
        const std::filesystem::directory_iterator entries(folder.path());
        return static_cast<std::size_t>(std::distance(begin(entries), end(entries)));
    }
};

TEST_F(holding_store, small_files_cost_the_disk_nothing_until_they_are_placed)
{
    const std::string small = random_text(parley::small_file_cache::longest_bytes, 1);
    ASSERT_FALSE(give(pack_entry_kind::file, small, 1000));
    ASSERT_FALSE(give(pack_entry_kind::file, ""));
    ASSERT_FALSE(give(pack_entry_kind::file, "often"));
    ASSERT_FALSE(give(pack_entry_kind::file, "often")) << "a duplicate";
    EXPECT_EQ(staged(), 0u);
    EXPECT_EQ(store->file_bytes_written(), small.size() + 10);
    ASSERT_FALSE(give(pack_entry_kind::file, small + "!"));
    EXPECT_EQ(staged(), 1u) << "too long to be held";
    const auto into = directory.make_directory("into");
    EXPECT_FALSE(store->place_file(0, *into, "a", false));
    EXPECT_FALSE(store->place_file(1, *into, "b", false));
    for (const char* name : {"c", "d"}) EXPECT_FALSE(store->place_file(2, *into, name, true));
    EXPECT_FALSE(store->holds_files());
    EXPECT_EQ(store->place_file(4, *into, "d", false), errc::destination_exists);
    EXPECT_EQ(listing_of(folder / "into"), (disk_listing{{"a", bytes_of(small)},
                                                         {"b", bytes_of("")},
                                                         {"c", bytes_of("often")},
                                                         {"d", bytes_of("often")}}));
}

TEST_F(holding_store, others_take_the_room)
{
    constexpr std::size_t size = parley::small_file_cache::longest_bytes;
    constexpr std::size_t fit = parley::small_file_cache::room_bytes / size;
    std::vector<std::string> contents;
    for (std::size_t i = 0; i < 2 * fit + 1; ++i) {
        contents.push_back(random_text(size, static_cast<unsigned>(i)));
        ASSERT_FALSE(give(pack_entry_kind::file, contents.back()));
        EXPECT_EQ(staged(), i / fit * fit);
    }
    for (const std::size_t i : {std::size_t{0}, fit - 1, fit, 2 * fit - 1})
        EXPECT_TRUE(file(contents[i]) == contents[i]);
    EXPECT_FALSE(file(contents.back())) << "still held";
}

TEST_F(holding_store, a_held_file_is_a_base)
{
    ASSERT_FALSE(give(pack_entry_kind::file, "a base"));
    ASSERT_FALSE(give_offset(1, make_delta("a base", "a base and more")));
    ASSERT_FALSE(
        give_reference(pack_object_id(blob_kind, "a base and more"), make_delta("a base and more", "less")));
    EXPECT_EQ(file("a base"), "a base") << "bases are staged";
    EXPECT_EQ(file("a base and more"), "a base and more");
    EXPECT_FALSE(file("less"));
    const auto into = directory.make_directory("into");
    EXPECT_FALSE(store->place_file(2, *into, "less", false));
    EXPECT_EQ(listing_of(folder / "into").at("less"), bytes_of("less"));
}

TEST_F(holding_store, more_than_was_announced_does_not_fit)
{
    ASSERT_FALSE(store->begin({pack_entry_kind::file, 3, 0, {}}, offset));
    EXPECT_FALSE(store->content(as_bytes("12")));
    EXPECT_EQ(store->content(as_bytes("34")), errc::pack_size_mismatch);
}

TEST_F(holding_store, a_file_in_its_folder_can_be_read_and_taken_out)
{
    ASSERT_FALSE(give(pack_entry_kind::file, "other"));
    ASSERT_FALSE(give(pack_entry_kind::file, "content"));
    const std::string first = tree_line("100644", "a", pack_object_id(blob_kind, "other"));
    ASSERT_FALSE(give(pack_entry_kind::directory,
                      first + tree_line("100644", "name", pack_object_id(blob_kind, "content"))));
    const auto made = store->make_folder(2);
    ASSERT_TRUE(made);
    EXPECT_FALSE(store->in_folder(1));
    ASSERT_FALSE(store->put_in_folder(1, *made, 2, first.size(), "name"));
    EXPECT_TRUE(store->in_folder(1));
    EXPECT_EQ(listing_of(folder / "2"), (disk_listing{{"name", bytes_of("content")}}));
    ASSERT_FALSE(give_offset(2, make_delta("content", "contents"))) << "a base wherever it is";
    EXPECT_TRUE(store->in_folder(1));
    ASSERT_FALSE(store->take_from_folder(1));
    EXPECT_FALSE(store->in_folder(1));
    EXPECT_EQ(file("content"), "content");
    const auto into = directory.make_directory("into");
    EXPECT_FALSE(store->place_folder(2, *into, "folder"));
    EXPECT_EQ(listing_of(folder / "into"), (disk_listing{{"folder", {}}}));
}

} // namespace
} // namespace parley_test
