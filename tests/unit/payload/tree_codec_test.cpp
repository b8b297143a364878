#include "payload/format/tree_codec.hpp"
#include "support/pack_builder.hpp"

#include <gtest/gtest.h>

namespace parley_test {
namespace {

using parley::byte_vector;
using parley::bytes_view;
using parley::tree_parser;
using status = tree_parser::status;

pack_id id_of(char c)
{
    pack_id id;
    id.fill(static_cast<parley::byte>(c));
    return id;
}

struct line {
    bool is_directory;
    std::string name;
    pack_id id;
    bool operator==(const line&) const = default;
};

struct parsed_tree {
    std::vector<line> lines;
    status last = status::more;
    bool complete = false;
    std::string problem;
};

parsed_tree parse(std::string_view text, std::size_t piece)
{
    parsed_tree out;
    tree_parser parser;
    while (!text.empty() && out.last != status::bad) {
        bytes_view in = parley::as_bytes(text.substr(0, piece));
        const std::size_t offered = in.size();
        while (!in.empty() && (out.last = parser.next(in)) != status::bad)
            if (out.last == status::entry)
                out.lines.push_back(
                    {parser.entry().is_directory, std::string(parser.entry().name), parser.entry().id});
        text.remove_prefix(offered);
    }
    out.complete = parser.at_boundary() || out.last == status::entry;
    out.problem = parser.problem();
    return out;
}

TEST(TreeCodec, writes_gits_format)
{
    byte_vector out;
    parley::append_tree_entry(out, true, "dir", id_of('a'));
    EXPECT_EQ(out.size(), parley::tree_entry_bytes(true, 3));
    parley::append_tree_entry(out, false, "file", id_of('b'));
    EXPECT_EQ(out.size(), parley::tree_entry_bytes(true, 3) + parley::tree_entry_bytes(false, 4));
    EXPECT_EQ(parley::as_text(out),
              tree_line("40000", "dir", id_of('a')) + tree_line("100644", "file", id_of('b')));
}

TEST(TreeCodec, reads_what_it_wrote_in_any_split)
{
    byte_vector out;
    const std::vector<line> lines = {
        {false, "a", id_of('\0')}, {true, "b c", id_of('1')}, {false, std::string(255, 'x'), id_of('2')}};
    for (const line& one : lines) parley::append_tree_entry(out, one.is_directory, one.name, one.id);
    for (std::size_t piece = 1; piece <= out.size(); ++piece) {
        const auto read = parse(parley::as_text(out), piece);
        EXPECT_EQ(read.lines, lines) << piece;
        EXPECT_TRUE(read.complete) << piece;
    }
    EXPECT_TRUE(parse("", 1).complete);
}

TEST(TreeCodec, an_executable_is_a_file)
{
    const auto read = parse(tree_line("100755", "run", id_of('a')), 7);
    ASSERT_EQ(read.lines.size(), 1u);
    EXPECT_FALSE(read.lines[0].is_directory);
}

TEST(TreeCodec, knows_when_a_tree_is_cut)
{
    const std::string one = tree_line("100644", "name", id_of('a'));
    for (std::size_t cut = 1; cut < one.size(); ++cut) {
        for (const std::size_t piece : {std::size_t{1}, one.size()}) {
            const auto read = parse(one.substr(0, cut), piece);
            EXPECT_EQ(read.last, status::more) << cut;
            EXPECT_FALSE(read.complete) << cut;
        }
    }
}

TEST(TreeCodec, refuses_other_modes_and_long_names)
{
    for (const char* mode :
         {"120000", "160000", "040000", "100664", "", "4000", "400000", "1006440000", "40000x"}) {
        for (const std::size_t piece : {std::size_t{1}, std::size_t{100}}) {
            const auto read = parse(tree_line(mode, "x", id_of('a')), piece);
            EXPECT_EQ(read.last, status::bad) << mode;
            EXPECT_FALSE(read.problem.empty());
        }
    }
    EXPECT_NE(parse(tree_line("120000", "x", id_of('a')), 1).problem.find("link"), std::string::npos);
    for (const std::size_t piece : {std::size_t{1}, std::size_t{1000}})
        EXPECT_EQ(parse(tree_line("100644", std::string(256, 'x'), id_of('a')), piece).last, status::bad);
    EXPECT_EQ(parse(std::string(100, '1'), 100).last, status::bad) << "a mode without end";
}

TEST(TreeCodec, orders_a_directory_as_if_it_ended_in_a_slash)
{
    using parley::tree_order;
    EXPECT_TRUE(tree_order("a", false, "b", false));
    EXPECT_FALSE(tree_order("b", false, "a", false));
    EXPECT_FALSE(tree_order("a", false, "a", false));
    EXPECT_TRUE(tree_order("a", false, "a.b", false));
    EXPECT_TRUE(tree_order("a.b", false, "a", true)) << "a.b before a/";
    EXPECT_TRUE(tree_order("a", true, "a0", false)) << "a/ before a0";
    EXPECT_TRUE(tree_order("a", false, "a", true));
    EXPECT_FALSE(tree_order("a", true, "a", false));
    EXPECT_TRUE(tree_order("Z", false, "a", false));
    EXPECT_TRUE(tree_order("z", false, "\xc3\xa9", false)) << "bytes above ASCII are large, not negative";
}

} // namespace
} // namespace parley_test
