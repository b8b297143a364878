#include "peer/web/module/failure_id.hpp"
#include "peer/web/module/offered_items.hpp"

#include <parley/testing/seeded_random.hpp>

#include <gtest/gtest.h>

#include <set>

namespace parley::web::test {
namespace {

std::vector<std::string> paths_of(const offered_document& document)
{
    std::vector<std::string> out;
    const entry_list& entries = document.outline->entries();
    for (std::uint32_t i = 0; i < entries.size(); ++i)
        out.push_back(entries.path(i) + (entries.at(i).kind == entry_kind::directory ? "/" : ""));
    return out;
}

result<offered_document> make(const offered_items& items, std::string name = {})
{
    parley::testing::seeded_random random{1};
    std::string why;
    auto out = items.make(std::move(name), random, why);
    if (!out && out.error() != errc::not_a_document && out.error() != errc::document_too_large) {
        EXPECT_FALSE(why.empty());
    }
    return out;
}

TEST(offered_items, are_put_into_the_documents_order_with_the_folders_above_them)
{
    offered_items items;
    items.add_file("top/b/x", 1, 5);
    items.add_file("top/b-x", 2, 5);
    items.add_file("top/a", 3, 5);
    items.add_file("top/b/c/y", 4, 5);
    items.add_folder("top/z", 7);
    const auto document = make(items);
    ASSERT_TRUE(document);
    EXPECT_EQ(paths_of(*document),
              (std::vector<std::string>{"a", "b/", "b/c/", "b/c/y", "b/x", "b-x", "z/"}));
    const std::uint32_t none = offered_document::no_item;
    EXPECT_EQ(document->items, (std::vector<std::uint32_t>{2, none, none, 3, 0, 1, 4}));
    EXPECT_EQ(document->outline->offer().name, "top");
    EXPECT_EQ(document->outline->offer().bytes, 10U);
    EXPECT_EQ(document->outline->entries().at(6).modified, 7);
    EXPECT_EQ(document->outline->entries().at(1).modified, unknown_time);
}

TEST(offered_items, keep_the_entry_of_a_folder_that_the_user_named)
{
    offered_items items;
    items.add_file("top/b/x", 1, 5);
    items.add_folder("top", 6);
    items.add_folder("top/b/", 7);
    const auto document = make(items);
    ASSERT_TRUE(document);
    EXPECT_EQ(paths_of(*document), (std::vector<std::string>{"b/", "b/x"}));
    EXPECT_EQ(document->items, (std::vector<std::uint32_t>{2, 0}));
    EXPECT_EQ(document->outline->entries().at(0).modified, 7);
}

TEST(offered_items, take_another_name)
{
    offered_items file;
    file.add_file("a.txt", 1, 5);
    EXPECT_EQ(make(file, "b.txt")->outline->offer().name, "b.txt");
    offered_items several;
    several.add_file("a", 1, 5);
    several.add_file("b", 1, 5);
    const auto document = make(several, "two of them");
    EXPECT_EQ(document->outline->offer().kind, document_kind::items);
    EXPECT_EQ(document->outline->offer().name, "two of them");
}

TEST(offered_items, are_refused_when_no_receiver_would_take_them)
{
    EXPECT_EQ(make({}).error(), errc::not_a_document);
    {
        offered_items items;
        items.add_text(10);
        items.add_file("a", 1, 5);
        EXPECT_EQ(make(items).error(), errc::not_a_document);
    }
    {
        offered_items items;
        items.add_text(max_document_text_bytes + 1);
        EXPECT_EQ(make(items).error(), errc::document_too_large);
    }
    for (const char* name : {"", "..", "a\x01", "\xff", ".parley-abcdefghijklmnop.part"}) {
        offered_items items;
        items.add_file(name, 1, 5);
        EXPECT_EQ(make(items).error(), errc::hostile_name) << escaped(name);
    }
    for (const char* path : {"top/../x", "top//x", "top/a\x01", "top/\xff", "top/."}) {
        offered_items items;
        items.add_file(path, 1, 5);
        EXPECT_EQ(make(items).error(), errc::entry_not_taken) << escaped(path);
    }
    for (const char* other : {"top/a", "top/a/b"}) { // twice, and a file that is a folder, too
        offered_items items;
        items.add_file("top/a", 1, 5);
        items.add_file(other, 1, 5);
        EXPECT_EQ(make(items).error(), errc::entry_not_taken) << other;
    }
}

TEST(failure_id, has_a_word_for_every_error)
{
    const std::set<std::string_view> words{
        "wrong-code",   "refused",         "cancelled-here", "cancelled-there", "relay-unreachable",
        "relay-closed", "connection-lost", "no-space",       "changed",         "name",
        "protocol",     "timed-out",       "unsupported",    "storage",         "internal"};
    std::set<std::string_view> used;
    for (int value = 1; value < 1000; ++value)
        for (const phase when : {phase::handshake, phase::transferring}) {
            const error_code error{value, parley_category()};
            if (error.message() != "unknown error") used.insert(failure_id({error, when, {}}));
        }
    used.insert(failure_id({make_error_code(errc::timed_out), phase::connecting, {}}));
    for (const std::string_view each : used) EXPECT_TRUE(words.contains(each)) << each;
    EXPECT_EQ(used.size(), words.size());
    EXPECT_EQ(failure_id({make_error_code(errc::timed_out), phase::handshake, {}}), "timed-out");
    EXPECT_EQ(failure_id({make_error_code(errc::peer_silent), phase::transferring, {}}), "connection-lost");
}

} // namespace
} // namespace parley::web::test
