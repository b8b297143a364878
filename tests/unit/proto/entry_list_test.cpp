#include <parley/proto/document_outline.hpp>

#include <parley/testing/seeded_random.hpp>

#include <gtest/gtest.h>

namespace parley::test {
namespace {

void expect_same(const entry_list::entry& a, const entry_list::entry& b, std::size_t number)
{
    EXPECT_EQ(a.kind, b.kind) << number;
    EXPECT_EQ(a.parent, b.parent) << number;
    EXPECT_EQ(a.name, b.name) << number;
    EXPECT_EQ(a.mode, b.mode) << number;
    EXPECT_EQ(a.modified, b.modified) << number;
    EXPECT_EQ(a.size, b.size) << number;
    EXPECT_EQ(a.target, b.target) << number;
}

TEST(entry_list, returns_what_was_appended)
{
    testing::seeded_random random{1};
    struct sample {
        entry_list::entry entry;
        std::string name, target;
    };
    std::vector<sample> samples(20000);
    entry_list list;
    for (sample& s : samples) {
        s.name = std::string(random.below(256), static_cast<char>('a' + random.below(26)));
        s.entry.kind = static_cast<entry_kind>(1 + random.below(3));
        s.entry.parent = static_cast<std::uint32_t>(random.next());
        s.entry.modified = static_cast<std::int64_t>(random.next());
        if (s.entry.kind == entry_kind::link)
            s.target = std::string(random.below(4097), 't');
        else
            s.entry.mode = static_cast<std::uint16_t>(random.below(01000));
        if (s.entry.kind == entry_kind::file) s.entry.size = random.next();
        s.entry.name = s.name;
        s.entry.target = s.target;
        ASSERT_TRUE(list.append(s.entry));
    }
    ASSERT_EQ(list.size(), samples.size());
    for (std::size_t i = 0; i < samples.size(); ++i)
        expect_same(list.at(static_cast<std::uint32_t>(i)), samples[i].entry, i);
}

TEST(entry_list, puts_paths_together)
{
    entry_list list;
    const auto add = [&](entry_kind kind, std::uint32_t parent, std::string_view name) {
        entry_list::entry e;
        e.kind = kind;
        e.parent = parent;
        e.name = name;
        EXPECT_TRUE(list.append(e));
    };
    add(entry_kind::directory, top_entry, "a");
    add(entry_kind::directory, 0, "b");
    add(entry_kind::file, 1, "c");
    add(entry_kind::file, top_entry, "d");
    add(entry_kind::file, top_entry, "");
    EXPECT_EQ(list.path(0), "a");
    EXPECT_EQ(list.path(1), "a/b");
    EXPECT_EQ(list.path(2), "a/b/c");
    EXPECT_EQ(list.path(3), "d");
    EXPECT_EQ(list.path(4), "");
}

} // namespace
} // namespace parley::test
