#include "proto/document/offer_codec.hpp"

#include <parley/testing/seeded_random.hpp>

#include <gtest/gtest.h>

#include <set>

namespace parley::test {
namespace {

constexpr document_id no_id{};

document_entry file_entry(std::string_view path, std::uint64_t size = 1)
{
    document_entry e;
    e.path = path;
    e.mode = 0644;
    e.size = size;
    return e;
}

document_entry directory_entry(std::string_view path)
{
    document_entry e;
    e.kind = entry_kind::directory;
    e.path = path;
    e.mode = 0755;
    return e;
}

document_entry link_entry(std::string_view path, std::string_view target)
{
    document_entry e;
    e.kind = entry_kind::link;
    e.path = path;
    e.target = target;
    return e;
}

document_outline directory_outline()
{
    return {document_kind::directory, no_id, "d"};
}

// The reason of the first fault: in an entry, or in all together.
std::optional<session_reason> fault_of(document_outline outline, const std::vector<document_entry>& entries)
{
    for (const document_entry& e : entries)
        if (const auto fault = outline.add(e)) return fault->reason;
    const auto fault = outline.complete();
    return fault ? std::optional{fault->reason} : std::nullopt;
}

constexpr std::nullopt_t fine = std::nullopt;
constexpr session_reason untaken = session_reason::bad_entry;
constexpr session_reason broken = session_reason::broken_rule;

TEST(document_outline, takes_entries_in_the_order_of_their_paths_with_the_slash_first)
{
    const std::vector<document_entry> ordered{
        directory_entry("a"), file_entry("a/b"), directory_entry("a/c"), file_entry("a/c/x"),
        file_entry("a/c!"),   file_entry("a!"),  file_entry("a-"),       file_entry("a0"),
        file_entry("ab"),     file_entry("é")};
    EXPECT_EQ(fault_of(directory_outline(), ordered), fine);
    // Any two that change places are out of order, or without their directory.
    for (std::size_t i = 0; i < ordered.size(); ++i) {
        for (std::size_t j = i + 1; j < ordered.size(); ++j) {
            auto changed = ordered;
            std::swap(changed[i], changed[j]);
            EXPECT_EQ(fault_of(directory_outline(), changed), untaken) << i << ' ' << j;
        }
    }
    for (std::size_t i = 0; i < ordered.size(); ++i) {
        auto changed = ordered;
        changed.insert(changed.begin() + static_cast<std::ptrdiff_t>(i), ordered[i]);
        EXPECT_EQ(fault_of(directory_outline(), changed), untaken) << "twice: " << i;
    }
}

TEST(document_outline, the_parent_is_an_open_directory)
{
    EXPECT_EQ(fault_of(directory_outline(), {file_entry("a/b")}), untaken);
    EXPECT_EQ(fault_of(directory_outline(), {file_entry("a"), file_entry("a/b")}), untaken);
    EXPECT_EQ(fault_of(directory_outline(), {link_entry("a", "b"), file_entry("a/b")}), untaken);
    EXPECT_EQ(fault_of(directory_outline(), {directory_entry("a"), file_entry("a/b/c")}), untaken);
    EXPECT_EQ(fault_of(directory_outline(), {directory_entry("a"), directory_entry("a/b"), file_entry("a/c"),
                                             file_entry("a/b/c")}),
              untaken);
    EXPECT_EQ(
        fault_of(directory_outline(), {directory_entry("a"), directory_entry("ab"), file_entry("ab/c")}),
        fine);
    EXPECT_EQ(fault_of(directory_outline(), {directory_entry("ab"), file_entry("abc"), file_entry("abc/d")}),
              untaken);
}

TEST(document_outline, keeps_entries_as_they_were_added)
{
    document_outline outline = directory_outline();
    const std::vector<document_entry> all{directory_entry("a"), directory_entry("a/b"),
                                          file_entry("a/b/c", 7), link_entry("a/d", "b/c"),
                                          file_entry("e", 5)};
    byte_vector bytes;
    for (const document_entry& e : all) {
        ASSERT_FALSE(outline.add(e));
        append_entry(bytes, e);
    }
    for (std::uint32_t i = 0; i < all.size(); ++i) {
        EXPECT_EQ(outline.entries().path(i), all[i].path);
        EXPECT_EQ(outline.entries().at(i).kind, all[i].kind);
        EXPECT_EQ(outline.entries().at(i).target, all[i].target);
    }
    EXPECT_EQ(outline.entries().at(2).parent, 1u);
    EXPECT_EQ(outline.entries().at(3).parent, 0u);
    EXPECT_EQ(outline.entries().at(4).parent, top_entry);
    EXPECT_EQ(outline.offer().files, 3u) << "links are counted among the files";
    EXPECT_EQ(outline.offer().directories, 2u);
    EXPECT_EQ(outline.offer().bytes, 12u);
    EXPECT_EQ(outline.digest(), hash_blake2b_256(bytes));
    EXPECT_EQ(outline.entries_bytes(), bytes.size());

    body_reader body{bytes};
    for (const document_entry& e : all) EXPECT_EQ(read_entry(body), e);
    EXPECT_EQ(body.problem_at_end(), nullptr);
}

TEST(document_outline, a_fault_changes_nothing)
{
    document_outline outline = directory_outline();
    ASSERT_FALSE(outline.add(directory_entry("a")));
    ASSERT_FALSE(outline.add(file_entry("a/b")));
    const auto digest = outline.digest();
    const document_offer offer = outline.offer();
    for (const document_entry& bad : {file_entry("a/b"), link_entry("a/l", "../../x"), file_entry("z/y"),
                                      directory_entry("c/"), file_entry("a/x", unknown_size)})
        EXPECT_TRUE(outline.add(bad)) << bad.path;
    EXPECT_EQ(outline.digest(), digest);
    EXPECT_EQ(outline.offer(), offer);
    EXPECT_FALSE(outline.add(file_entry("a/c"))) << "the directory is still open";
}

TEST(document_outline, paths_have_bounds)
{
    const std::string name(255, 'n');
    EXPECT_EQ(fault_of(directory_outline(), {file_entry(name)}), fine);
    EXPECT_EQ(fault_of(directory_outline(), {file_entry(name + "n")}), untaken);
    for (const char* bad : {"", "/", "/a", "a/", ".", "..", "a/..", "a\n", "a\x7f", "a\xc2\x85"})
        EXPECT_EQ(fault_of(directory_outline(), {directory_entry("a"), file_entry(bad)}), untaken) << bad;
    EXPECT_EQ(fault_of(directory_outline(), {file_entry(std::string_view{"a\0b", 3})}), untaken);

    // 128 components, and 4096 bytes.
    for (const std::size_t length : {1u, 31u, 32u}) {
        document_outline outline = directory_outline();
        std::string path;
        std::size_t components = 0;
        while (true) {
            path += std::string(components == 0 ? "" : "/") + std::string(length, 'x');
            if (outline.add(directory_entry(path))) break;
            ++components;
        }
        EXPECT_EQ(components, length == 32 ? 124u : 128u) << length;
    }
}

TEST(document_outline, an_entry_has_what_its_kind_has)
{
    const auto changed = [](document_entry e, auto change) {
        change(e);
        return fault_of(directory_outline(), {e});
    };
    const auto set_mode = [](std::uint16_t mode) { return [mode](document_entry& e) { e.mode = mode; }; };
    const auto set_size = [](std::uint64_t size) { return [size](document_entry& e) { e.size = size; }; };
    const auto set_target = [](document_entry& e) { e.target = "t"; };
    EXPECT_EQ(changed(file_entry("f"), set_mode(0)), fine);
    EXPECT_EQ(changed(file_entry("f"), set_mode(0777)), fine);
    EXPECT_EQ(changed(file_entry("f"), set_mode(01000)), untaken);
    EXPECT_EQ(changed(file_entry("f"), set_size((std::uint64_t{1} << 63) - 1)), fine);
    EXPECT_EQ(changed(file_entry("f"), set_size(std::uint64_t{1} << 63)), untaken);
    EXPECT_EQ(changed(file_entry("f"), set_size(unknown_size)), untaken);
    EXPECT_EQ(changed(file_entry("f"), set_target), untaken);
    EXPECT_EQ(changed(directory_entry("d"), set_mode(0777)), fine);
    EXPECT_EQ(changed(directory_entry("d"), set_mode(01000)), untaken);
    EXPECT_EQ(changed(directory_entry("d"), set_size(1)), untaken);
    EXPECT_EQ(changed(directory_entry("d"), set_target), untaken);
    EXPECT_EQ(changed(link_entry("l", "t"), set_mode(1)), untaken);
    EXPECT_EQ(changed(link_entry("l", "t"), set_size(1)), untaken);
    for (unsigned kind = 0; kind < 256; ++kind) {
        const auto fault = changed(file_entry("f", 0), [kind](document_entry& e) {
            e.kind = static_cast<entry_kind>(kind);
            e.mode = 0;
        });
        EXPECT_EQ(fault.has_value(), kind != 1 && kind != 2) << kind;
    }
}

TEST(document_outline, sums_are_below_two_to_the_63)
{
    const std::uint64_t half = std::uint64_t{1} << 62;
    EXPECT_EQ(fault_of(directory_outline(), {file_entry("a", half), file_entry("b", half - 1)}), fine);
    EXPECT_EQ(fault_of(directory_outline(), {file_entry("a", half), file_entry("b", half)}), broken);
}

TEST(document_outline, links_stay_inside)
{
    const auto in_directory = [](std::string_view path, std::string_view target) {
        return fault_of(directory_outline(),
                        {directory_entry("a"), directory_entry("a/b"), link_entry(path, target)});
    };
    for (const char* good : {"x", "x/y", "..", "../..", "../x", "../../x/y", "a/..x", "...", "../../a/b/l"})
        EXPECT_EQ(in_directory("a/b/l", good), fine) << good;
    for (const char* bad : {"", "/", "/x", "x/", "x//y", ".", "./x", "x/.", "x/..", "../x/..", "../../..",
                            "../../../x", "x/../../..", "..//x", "../", "x\n", "../\x7f"})
        EXPECT_EQ(in_directory("a/b/l", bad), untaken) << bad;
    EXPECT_EQ(in_directory("l", "a"), fine);
    EXPECT_EQ(in_directory("l", ".."), untaken);
    EXPECT_EQ(in_directory("l", "../a"), untaken);

    std::string longest = "x";
    while (longest.size() < max_entry_path_bytes - 1) longest += longest.size() % 2 == 0 ? "x" : "/";
    longest += 'x';
    ASSERT_EQ(longest.size(), max_entry_path_bytes);
    EXPECT_EQ(in_directory("l", longest), fine);
    EXPECT_EQ(in_directory("l", longest + "x"), untaken);
}

TEST(document_outline, links_of_several_items_lead_to_items)
{
    // The sender names its items; the receiver finds them.
    for (const bool sender : {false, true}) {
        const auto fault = [sender](std::vector<document_entry> entries, bool last_is_bad = false) {
            document_outline outline{document_kind::items, no_id, "",
                                     sender ? std::vector<std::string>{"z", "i", "a!"}
                                            : std::vector<std::string>{}};
            for (std::size_t n = 0; n < entries.size(); ++n) {
                const bool expected = sender && last_is_bad && n + 1 == entries.size();
                EXPECT_EQ(outline.add(entries[n]).has_value(), expected) << entries[n].target;
            }
            if (sender) return last_is_bad;
            return outline.complete().has_value();
        };
        for (const char* good : {"x", "../i", "../i/q", "../a!", "../z/y"})
            EXPECT_FALSE(
                fault({file_entry("a!"), directory_entry("i"), link_entry("i/l", good), file_entry("z")}))
                << good << sender;
        for (const char* bad : {"../a", "../zz", "../other/z", "../z!"})
            EXPECT_TRUE(sender ? fault({file_entry("a!"), directory_entry("i"), link_entry("i/l", bad)}, true)
                               : fault({file_entry("a!"), directory_entry("i"), link_entry("i/l", bad),
                                        file_entry("z")}))
                << bad << sender;
        // A link that is an item.
        EXPECT_FALSE(fault({link_entry("i", "z/x"), file_entry("z")})) << sender;
        EXPECT_FALSE(fault({link_entry("i", "i")})) << sender;
        EXPECT_TRUE(fault({link_entry("i", "other")}, true)) << sender;
    }
    // "../.." of a link two levels deep is the top, which is no item.
    EXPECT_EQ(fault_of({document_kind::items, no_id, ""},
                       {directory_entry("i"), directory_entry("i/j"), link_entry("i/j/l", "../..")}),
              untaken);
    EXPECT_EQ(fault_of({document_kind::items, no_id, ""},
                       {directory_entry("i"), directory_entry("i/j"), link_entry("i/j/l", "..")}),
              fine);
}

TEST(document_outline, a_document_of_one_file_has_one_entry)
{
    document_entry only = file_entry("");
    const auto fault = [](document_kind kind, const std::vector<document_entry>& entries) {
        return fault_of({kind, no_id, "n"}, entries);
    };
    EXPECT_EQ(fault(document_kind::file, {only}), fine);
    EXPECT_EQ(fault(document_kind::file, {}), broken);
    EXPECT_EQ(fault(document_kind::file, {only, only}), untaken);
    EXPECT_EQ(fault(document_kind::file, {file_entry("x")}), untaken);
    EXPECT_EQ(fault(document_kind::file, {directory_entry("")}), untaken);
    EXPECT_EQ(fault(document_kind::file, {link_entry("", "x")}), untaken);
    EXPECT_EQ(fault(document_kind::file, {file_entry("", unknown_size)}), untaken);
    only.modified = 0;
    EXPECT_EQ(fault(document_kind::file, {only}), fine);
    EXPECT_EQ(fault(document_kind::text, {only}), untaken);
    only.size = unknown_size;
    EXPECT_EQ(fault(document_kind::stream, {only}), untaken);
    EXPECT_EQ(fault(document_kind::stream, {file_entry("", unknown_size)}), fine);
    EXPECT_EQ(fault(document_kind::stream, {file_entry("", 5)}), untaken);
    EXPECT_EQ(fault(document_kind::text, {file_entry("", 65536)}), fine);
    EXPECT_EQ(fault(document_kind::text, {file_entry("", 65537)}), untaken);
    EXPECT_EQ(fault(document_kind::text, {file_entry("", unknown_size)}), untaken);
    EXPECT_EQ(fault(document_kind::items, {}), broken);
    EXPECT_EQ(fault(document_kind::directory, {}), fine);

    document_outline stream{document_kind::stream, no_id, "s"};
    ASSERT_FALSE(stream.add(file_entry("", unknown_size)));
    EXPECT_EQ(stream.offer().bytes, unknown_size);
}

TEST(document_outline, the_name_is_judged_by_the_kind)
{
    using outline = document_outline;
    const std::string longest(255, 'n'), too_long(256, 'n');
    for (const auto kind : {document_kind::file, document_kind::directory, document_kind::stream}) {
        EXPECT_FALSE(outline::check(kind, "report.txt"));
        EXPECT_FALSE(outline::check(kind, longest));
        for (const std::string& bad :
             {std::string{}, std::string{".."}, std::string{"a/b"}, too_long, std::string{"a\x7f"},
              std::string{"a\u202eb"}, std::string{".parley-abcdefgh.part"}})
            EXPECT_EQ(outline::check(kind, bad).value().reason, untaken) << bad;
    }
    for (const auto kind : {document_kind::items, document_kind::text}) { // it is only shown
        for (const std::string& good : {std::string{}, std::string{"a/b"}, longest, std::string{"\n"}})
            EXPECT_FALSE(outline::check(kind, good));
        EXPECT_EQ(outline::check(kind, too_long).value().reason, untaken);
    }
    EXPECT_EQ(outline::check(static_cast<document_kind>(5), "n").value().reason, broken);
    // Several items have names of their own, which must not mislead, either.
    EXPECT_EQ(fault_of({document_kind::items, no_id, ""}, {file_entry("a\u202eb")}), untaken);
    EXPECT_EQ(fault_of(directory_outline(), {file_entry("a\u202eb")}), fine);
}

// Random trees, walked in the right order, are taken; random changes of one are judged as by a slow check.
TEST(document_outline, agrees_with_a_slow_check)
{
    testing::seeded_random random{7};
    int taken = 0, rejected = 0;
    for (int round = 0; round < 2000; ++round) {
        document_outline outline = directory_outline();
        std::set<std::string> directories;
        std::string last;
        for (int n = 0; n < 12; ++n) {
            std::string path;
            const auto components = 1 + random.below(3);
            for (std::uint64_t c = 0; c < components; ++c)
                path += (c == 0 ? "" : "/") + std::string(1, "a!b"[random.below(3)]);
            const auto order = [](std::string text) {
                std::replace(text.begin(), text.end(), '/', '\0');
                return text;
            };
            const std::size_t slash = path.rfind('/');
            const bool right = (n == 0 || last.empty() || order(last) < order(path)) &&
                               (slash == std::string::npos || directories.contains(path.substr(0, slash)));
            const bool is_directory = random.below(2) == 0;
            const bool fault =
                outline.add(is_directory ? directory_entry(path) : file_entry(path)).has_value();
            ASSERT_EQ(fault, !right) << path << " after " << last;
            ++(fault ? rejected : taken);
            if (fault) continue;
            if (is_directory) directories.insert(path);
            last = path;
        }
    }
    EXPECT_GT(taken, 1000);
    EXPECT_GT(rejected, 1000);
}

TEST(document_outline, a_million_entries_need_little_memory)
{
    document_outline outline = directory_outline();
    ASSERT_FALSE(outline.add(directory_entry("d")));
    std::array<char, 16> path{};
    for (int i = 0; i < 1'000'000; ++i) {
        std::snprintf(path.data(), path.size(), "d/%08d", i);
        ASSERT_FALSE(outline.add(file_entry(path.data())));
    }
    EXPECT_EQ(outline.entries().path(1'000'000), "d/00999999");
    EXPECT_EQ(outline.offer().bytes, 1'000'000u);
}

} // namespace
} // namespace parley::test
