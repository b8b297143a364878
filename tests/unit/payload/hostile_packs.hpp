// The corpus of packs from hostile senders, each with the error that refuses it.
#pragma once

#include "support/pack_builder.hpp"

#include <parley/base/error.hpp>
#include <parley/payload/document_receiver.hpp>

namespace parley_test {

struct hostile_pack {
    std::string name;
    std::string stream;
    parley::errc expected;
    parley::receiver_limits limits{};
};

inline std::string nested(std::string text, int times, const char* name)
{
    for (int i = 0; i < times; ++i) text = tree_line("40000", name, pack_object_id(tree_kind, text));
    return text;
}

inline const std::string hello = "Hello World!\n";
inline const pack_id hello_id = pack_object_id(blob_kind, hello);

// A pack with this content as its top directory, next to hello and an empty directory.
inline std::string with_top(const std::string& top, std::string_view root = {})
{
    pack_builder pack;
    pack.add(blob_kind, hello);
    pack.add(tree_kind, "");
    pack.add(tree_kind, top);
    pack.add(root_kind, root.empty() ? root_text("d", pack_object_id(tree_kind, top)) : std::string(root));
    return pack.finish();
}

// A valid directory with one more entry, made by `add`, before or after all others.
template <class Add>
std::string beside(Add add, bool first = false)
{
    pack_builder pack;
    if (first) add(pack);
    pack.add(blob_kind, hello);
    const std::string top = tree_line("100644", "hello", hello_id);
    pack.add(tree_kind, top);
    pack.add(root_kind, root_text("d", pack_object_id(tree_kind, top)));
    if (!first) add(pack);
    return pack.finish();
}

// A valid directory with one more entry, a delta of these instructions against hello.
inline std::string with_delta(const delta_text& delta)
{
    return beside([&](pack_builder& pack) { pack.add_offset_delta(0, delta.text()); });
}

inline void add_streams(std::vector<hostile_pack>& out)
{
    const std::string sound = file_pack("f", hello);
    std::string bad = sound;
    bad[3] = 'X';
    out.push_back({"another signature", bad, parley::errc::pack_bad_signature});
    bad = sound;
    bad[7] = 3;
    out.push_back({"version 3", bad, parley::errc::pack_bad_version});
    for (const std::size_t i : {1u, 10u, 20u}) {
        bad = sound;
        bad[bad.size() - i] = static_cast<char>(bad[bad.size() - i] ^ 1);
        out.push_back({"trailer wrong at -" + std::to_string(i), bad, parley::errc::pack_bad_trailer});
    }
    bad = directory_pack("d", {{"a", "1"}});
    bad.back() = static_cast<char>(bad.back() ^ 1);
    out.push_back({"trailer of a directory wrong", bad, parley::errc::pack_bad_trailer});
    out.push_back({"no entries", pack_builder().finish(), parley::errc::pack_bad_shape});

    parley::receiver_limits limits;
    out.push_back({"more entries announced than allowed", pack_builder().finish(limits.max_entries + 1),
                   parley::errc::too_many_entries});
    out.push_back({"as many entries announced as there are numbers", pack_builder().finish(UINT32_MAX),
                   parley::errc::too_many_entries});
    limits.max_entries = 3;
    out.push_back({"four entries where three are allowed",
                   beside([](pack_builder& p) { p.add(blob_kind, "x"); }), parley::errc::too_many_entries,
                   limits});
}

inline void add_entries(std::vector<hostile_pack>& out)
{
    for (const unsigned kind : {0u, 5u})
        for (const bool first : {true, false})
            out.push_back({"kind " + std::to_string(kind),
                           beside([&](pack_builder& p) { p.add(kind, "x"); }, first),
                           parley::errc::pack_bad_entry});
    const std::string too_long = std::string(1, '\xbf') + std::string(9, '\xff') + '\x7f';
    out.push_back({"a size above 64 bits",
                   beside([&](pack_builder& p) { p.add_raw(too_long + zlib_stream("")); }),
                   parley::errc::pack_bad_entry});
    for (const std::uint64_t size : {0ull, 1ull, 12ull, 14ull, 1000ull, 1ull << 20})
        out.push_back({"a file announced with " + std::to_string(size),
                       beside([&](pack_builder& p) { p.add(blob_kind, hello, size); }),
                       parley::errc::pack_size_mismatch});
    out.push_back({"a file announced with 2^60",
                   beside([&](pack_builder& p) { p.add(blob_kind, hello, 1ull << 60); }),
                   parley::errc::no_room});
    out.push_back({"a file announced with 2^64-1",
                   beside([&](pack_builder& p) { p.add(blob_kind, hello, UINT64_MAX); }),
                   parley::errc::document_too_large});
    out.push_back({"a waiting delta announced with 2^64-1", beside([](pack_builder& p) {
                       p.add_raw(entry_head(reference_kind, UINT64_MAX) + std::string(20, 'i') +
                                 zlib_stream("x"));
                   }),
                   parley::errc::document_too_large});
    out.push_back({"a directory announced with 2^40",
                   beside([&](pack_builder& p) { p.add(tree_kind, "", 1ull << 40); }),
                   parley::errc::too_many_entries});
    out.push_back({"not a zlib stream",
                   beside([](pack_builder& p) { p.add_raw(entry_head(blob_kind, 4) + "abcdefgh"); }),
                   parley::errc::pack_bad_compression});
    std::string bad = zlib_stream(hello);
    bad.back() = static_cast<char>(bad.back() ^ 1);
    out.push_back({"a wrong zlib checksum",
                   beside([&](pack_builder& p) { p.add_raw(entry_head(blob_kind, hello.size()) + bad); }),
                   parley::errc::pack_bad_compression});
    // 0x78 0xbb asks for a dictionary.
    out.push_back({"a zlib dictionary", beside([](pack_builder& p) {
                       p.add_raw(entry_head(blob_kind, 4) + std::string("\x78\xbb\0\0\0\1abcd", 10));
                   }),
                   parley::errc::pack_bad_compression});
}

inline void add_deltas(std::vector<hostile_pack>& out)
{
    const auto delta = make_delta(hello, "Hello");
    out.push_back({"an offset delta to before the start",
                   beside([&](pack_builder& p) { p.add_distance_delta(p.offset() + 1, delta); }),
                   parley::errc::pack_bad_entry});
    out.push_back({"an offset delta to far before the start",
                   beside([&](pack_builder& p) { p.add_distance_delta(UINT64_MAX / 2, delta); }),
                   parley::errc::pack_bad_entry});
    out.push_back({"an offset delta against itself",
                   beside([&](pack_builder& p) { p.add_distance_delta(0, delta); }),
                   parley::errc::pack_bad_entry});
    out.push_back({"an offset delta into the middle of an entry",
                   beside([&](pack_builder& p) { p.add_distance_delta(p.offset() - 13, delta); }),
                   parley::errc::pack_missing_base});
    out.push_back({"an offset delta against the head",
                   beside([&](pack_builder& p) { p.add_distance_delta(p.offset(), delta); }),
                   parley::errc::pack_missing_base});
    out.push_back({"an offset delta first of all",
                   beside([&](pack_builder& p) { p.add_distance_delta(1, delta); }, true),
                   parley::errc::pack_missing_base});
    out.push_back({"an offset delta against the root",
                   beside([&](pack_builder& p) { p.add_offset_delta(2, delta); }),
                   parley::errc::pack_missing_base});
    out.push_back({"an offset delta with a distance above 64 bits", beside([&](pack_builder& p) {
                       p.add_raw(entry_head(offset_kind, 1) + std::string(12, '\xff') + '\1' +
                                 zlib_stream("x"));
                   }),
                   parley::errc::pack_bad_entry});

    out.push_back({"a reference delta without a base",
                   beside([&](pack_builder& p) { p.add_reference_delta(pack_id{}, delta); }),
                   parley::errc::pack_missing_base});
    const pack_id root = pack_object_id(
        root_kind, root_text("d", pack_object_id(tree_kind, tree_line("100644", "hello", hello_id))));
    out.push_back({"a reference delta against the root",
                   beside([&](pack_builder& p) { p.add_reference_delta(root, delta); }),
                   parley::errc::pack_missing_base});
    out.push_back({"a reference delta against itself", beside([&](pack_builder& p) {
                       p.add_reference_delta(pack_object_id(blob_kind, "me"), make_delta("me", "me"));
                   }),
                   parley::errc::pack_missing_base});
    out.push_back({"a loop of deltas", beside([&](pack_builder& p) {
                       const std::string a = "one of them", b = "two of them", c = "three of them";
                       p.add_reference_delta(pack_object_id(blob_kind, c), make_delta(c, a));
                       p.add_reference_delta(pack_object_id(blob_kind, a), make_delta(a, b));
                       p.add_reference_delta(pack_object_id(blob_kind, b), make_delta(b, c));
                       p.add_offset_delta(p.entries() - 1, make_delta(c, "hangs on it"));
                   }),
                   parley::errc::pack_missing_base});

    const std::uint64_t size = hello.size();
    out.push_back({"a delta for a longer base", with_delta(delta_text(size + 1, 2).insert("ab")),
                   parley::errc::pack_bad_delta});
    out.push_back({"a delta for a shorter base", with_delta(delta_text(size - 1, 2).insert("ab")),
                   parley::errc::pack_bad_delta});
    out.push_back({"a delta that makes more", with_delta(delta_text(size, 2).insert("abc")),
                   parley::errc::pack_bad_delta});
    out.push_back({"a delta that copies more", with_delta(delta_text(size, 2).copy(0, 3)),
                   parley::errc::pack_bad_delta});
    out.push_back({"a delta that makes less", with_delta(delta_text(size, 4).insert("abc")),
                   parley::errc::pack_bad_delta});
    out.push_back(
        {"a copy past the base", with_delta(delta_text(size, 20).copy(0, 14)), parley::errc::pack_bad_delta});
    out.push_back({"a copy behind the base", with_delta(delta_text(size, 20).copy(14, 1)),
                   parley::errc::pack_bad_delta});
    out.push_back({"a copy from 4 GiB", with_delta(delta_text(size, 20).copy(0xffffffff, 0xffffff)),
                   parley::errc::pack_bad_delta});
    out.push_back({"a copy of 65536", with_delta(delta_text(size, 1 << 20).copy(0, 0x10000)),
                   parley::errc::pack_bad_delta});
    out.push_back({"the reserved instruction", with_delta(delta_text(size, 1).raw(std::string(1, '\0'))),
                   parley::errc::pack_bad_delta});
    out.push_back(
        {"a cut insert", with_delta(delta_text(size, 5).raw("\5abc")), parley::errc::pack_bad_delta});
    out.push_back(
        {"a cut copy", with_delta(delta_text(size, 5).raw("\x91\1")), parley::errc::pack_bad_delta});
    out.push_back({"an empty delta", beside([](pack_builder& p) { p.add_offset_delta(0, ""); }),
                   parley::errc::pack_bad_delta});
    out.push_back({"a delta of half a size", beside([](pack_builder& p) { p.add_offset_delta(0, "\x8d"); }),
                   parley::errc::pack_bad_delta});
    out.push_back({"a delta with a size above 64 bits", beside([](pack_builder& p) {
                       p.add_offset_delta(0, "\x0d" + std::string(10, '\xff') + "\1");
                   }),
                   parley::errc::pack_bad_delta});
    // The same, noticed only at the end.
    out.push_back({"a waiting delta that copies past its base", beside([&](pack_builder& p) {
                       p.add_reference_delta(pack_object_id(blob_kind, "late"),
                                             delta_text(4, 5).copy(0, 5).text());
                       p.add(blob_kind, "late");
                   }),
                   parley::errc::pack_bad_delta});
    parley::receiver_limits shallow;
    shallow.max_delta_depth = 100;
    out.push_back({"a chain deeper than allowed", beside([&](pack_builder& p) {
                       std::size_t last = 0;
                       std::string content = hello;
                       for (int i = 0; i <= 100; ++i) {
                           const std::string next = std::to_string(i);
                           last = p.add_offset_delta(last, make_delta(content, next));
                           content = next;
                       }
                   }),
                   parley::errc::pack_bad_delta, shallow});
}

inline void add_bombs(std::vector<hostile_pack>& out)
{
    parley::receiver_limits small;
    small.max_document_bytes = 8 << 20;
    const std::string bomb = zlib_bomb(64 << 20);
    out.push_back({"a bomb that says so",
                   beside([&](pack_builder& p) { p.add_raw(entry_head(blob_kind, 64 << 20) + bomb); }),
                   parley::errc::document_too_large, small});
    for (const unsigned kind : {blob_kind, tree_kind})
        out.push_back({"a bomb that lies",
                       beside([&](pack_builder& p) { p.add_raw(entry_head(kind, 100) + bomb); }),
                       parley::errc::pack_size_mismatch});
    out.push_back({"a bomb in a root",
                   beside([&](pack_builder& p) { p.add_raw(entry_head(root_kind, 64 << 20) + bomb); }, true),
                   parley::errc::pack_bad_root});
    pack_builder name;
    name.add_raw(entry_head(name_kind, 64 << 20) + bomb);
    name.add(blob_kind, "x");
    out.push_back({"a bomb in a name", name.finish(), parley::errc::hostile_name});
    pack_builder lying;
    lying.add_raw(entry_head(name_kind, 5) + bomb);
    lying.add(blob_kind, "x");
    out.push_back({"a bomb in a short name", lying.finish(), parley::errc::pack_size_mismatch});

    const std::string base(65536, 'x');
    const auto copies = [&](int times) {
        delta_text text(base.size(), base.size() * static_cast<std::uint64_t>(times));
        for (int i = 0; i < times; ++i) text.copy(0, 0x10000);
        return text.text();
    };
    out.push_back({"a delta that makes much of little", beside([&](pack_builder& p) {
                       p.add(blob_kind, base);
                       p.add_offset_delta(p.entries() - 1, copies(1000));
                   }),
                   parley::errc::document_too_large, small});
    out.push_back({"a delta that announces 2^63", beside([&](pack_builder& p) {
                       p.add_offset_delta(0, delta_text(hello.size(), 1ull << 63).copy(0, 1).text());
                   }),
                   parley::errc::no_room});
    out.push_back(
        {"deltas that double", beside([&](pack_builder& p) {
             std::uint64_t size = hello.size();
             std::size_t last = 0;
             for (int i = 0; i < 40; ++i, size *= 2)
                 last = p.add_offset_delta(
                     last,
                     delta_text(size, 2 * size).copy(0, size & 0xffffff).copy(0, size & 0xffffff).text());
         }),
         parley::errc::document_too_large, small});
    out.push_back({"a waiting delta that makes much of little", beside([&](pack_builder& p) {
                       p.add_reference_delta(pack_object_id(blob_kind, base), copies(1000));
                       p.add(blob_kind, base);
                   }),
                   parley::errc::document_too_large, small});

    // The same object made again and again: 70 bytes of pack make 4 MiB.
    const std::string great(4 << 20, 'x');
    const std::string other = "y" + great.substr(1);
    const auto again = make_delta(great, other);
    const auto back = make_delta(other, great);
    out.push_back({"a delta that makes the same file a thousand times", beside([&](pack_builder& p) {
                       const std::size_t first = p.add(blob_kind, great);
                       for (int i = 0; i < 1000; ++i) p.add_offset_delta(first, again);
                   }),
                   parley::errc::document_too_large});
    out.push_back({"deltas that make two files by turns", beside([&](pack_builder& p) {
                       std::size_t last = p.add(blob_kind, great);
                       for (int i = 0; i < 1000; ++i)
                           last = p.add_offset_delta(last, i % 2 == 0 ? again : back);
                   }),
                   parley::errc::document_too_large});
    out.push_back({"waiting deltas that make the same file", beside([&](pack_builder& p) {
                       for (int i = 0; i < 1000; ++i)
                           p.add_reference_delta(pack_object_id(blob_kind, great), again);
                       p.add(blob_kind, great);
                   }),
                   parley::errc::document_too_large});
    out.push_back({"deltas that make the same directory", beside([&](pack_builder& p) {
                       const std::size_t first = p.add(tree_kind, great);
                       for (int i = 0; i < 1000; ++i) p.add_offset_delta(first, again);
                   }),
                   parley::errc::document_too_large});

    std::string many;
    for (int i = 0; i < 2000; ++i)
        many += tree_line("100644", "f" + std::to_string(i), pack_object_id(blob_kind, base));
    pack_builder repeated;
    repeated.add(blob_kind, base);
    repeated.add(tree_kind, many);
    repeated.add(root_kind, root_text("d", pack_object_id(tree_kind, many)));
    out.push_back(
        {"one file two thousand times", repeated.finish(), parley::errc::document_too_large, small});

    // Each level names the one below ten times: 10^12 paths.
    pack_builder dag;
    dag.add(blob_kind, hello);
    std::string level = tree_line("100644", "f", hello_id);
    for (int i = 0; i < 12; ++i) {
        dag.add(tree_kind, level);
        std::string above;
        for (char c = 'a'; c < 'k'; ++c)
            above += tree_line("40000", std::string(1, c), pack_object_id(tree_kind, level));
        level = above;
    }
    dag.add(tree_kind, level);
    dag.add(root_kind, root_text("d", pack_object_id(tree_kind, level)));
    out.push_back({"directories that multiply", dag.finish(), parley::errc::too_many_entries});

    // The same with empty directories, which cost no bytes.
    pack_builder empty;
    level.clear();
    for (int i = 0; i < 40; ++i) {
        empty.add(tree_kind, level);
        const pack_id below = pack_object_id(tree_kind, level);
        level = tree_line("40000", "a", below) + tree_line("40000", "b", below);
    }
    empty.add(tree_kind, level);
    empty.add(root_kind, root_text("d", pack_object_id(tree_kind, level)));
    out.push_back({"empty directories that multiply", empty.finish(), parley::errc::too_many_entries});

    // 2^18 - 1 paths of 18 directories: few enough for max_entries.
    pack_builder doubled;
    level.clear();
    for (int i = 0; i < 17; ++i) {
        doubled.add(tree_kind, level);
        const pack_id below = pack_object_id(tree_kind, level);
        level = tree_line("40000", "a", below) + tree_line("40000", "b", below);
    }
    doubled.add(tree_kind, level);
    doubled.add(root_kind, root_text("d", pack_object_id(tree_kind, level)));
    out.push_back({"far more paths than entries", doubled.finish(), parley::errc::too_many_entries});

    for (const int depth : {128, 5000}) {
        pack_builder deep;
        std::string text;
        for (int i = 0; i <= depth; ++i) {
            deep.add(tree_kind, text);
            text = tree_line("40000", "d", pack_object_id(tree_kind, text));
        }
        deep.add(root_kind, root_text("d", pack_object_id(tree_kind, nested("", depth, "d"))));
        out.push_back(
            {"directories " + std::to_string(depth) + " deep", deep.finish(), parley::errc::tree_too_deep});
    }
}

inline void add_shapes(std::vector<hostile_pack>& out)
{
    const auto pack_of_two = [](unsigned first, std::string_view a, unsigned second, std::string_view b) {
        pack_builder pack;
        pack.add(first, a);
        pack.add(second, b);
        return pack.finish();
    };
    pack_builder alone;
    alone.add(name_kind, "f");
    out.push_back({"a name alone", alone.finish(), parley::errc::pack_bad_shape});
    alone.add(blob_kind, "x");
    alone.add(blob_kind, "y");
    out.push_back({"a name and two files", alone.finish(), parley::errc::pack_bad_shape});
    out.push_back(
        {"a name and a directory", pack_of_two(name_kind, "f", tree_kind, ""), parley::errc::pack_bad_shape});
    out.push_back({"two names", pack_of_two(name_kind, "f", name_kind, "g"), parley::errc::pack_bad_shape});
    out.push_back({"a file before its name", pack_of_two(blob_kind, "x", name_kind, "f"),
                   parley::errc::pack_bad_shape});
    out.push_back({"a name and a root", pack_of_two(name_kind, "f", root_kind, root_text("d", hello_id)),
                   parley::errc::pack_bad_shape});
    pack_builder delta;
    delta.add(name_kind, "f");
    delta.add_offset_delta(0, make_delta("f", "g"));
    out.push_back({"a name and a delta of it", delta.finish(), parley::errc::pack_bad_shape});
    out.push_back({"a name in a directory", beside([](pack_builder& p) { p.add(name_kind, "f"); }),
                   parley::errc::pack_bad_shape});

    pack_builder blob;
    blob.add(blob_kind, hello);
    out.push_back({"no root", blob.finish(), parley::errc::pack_bad_root});
    const pack_id top = pack_object_id(tree_kind, "");
    const auto root = [](const std::string& text) { return with_top("", text); };
    out.push_back({"two roots", beside([&](pack_builder& p) { p.add(root_kind, root_text("e", top)); }),
                   parley::errc::pack_bad_root});
    out.push_back({"an empty root",
                   [] {
                       pack_builder p;
                       p.add(tree_kind, "");
                       p.add(root_kind, "");
                       return p.finish();
                   }(),
                   parley::errc::pack_bad_root});
    out.push_back({"a root without NUL", root(std::string(100, 'a')), parley::errc::pack_bad_root});
    out.push_back({"a root without a number", root(root_text("d", top, "")), parley::errc::pack_bad_root});
    out.push_back(
        {"a root with a signed number", root(root_text("d", top, "-1")), parley::errc::pack_bad_root});
    out.push_back(
        {"a root with a number of words", root(root_text("d", top, "3 ")), parley::errc::pack_bad_root});
    out.push_back({"a cut root", root(root_text("d", top, "").substr(0, 12)), parley::errc::pack_bad_root});
    out.push_back({"a long root", root(root_text(std::string(255, 'a'), top, std::string(100, '1'))),
                   parley::errc::pack_bad_root});
    out.push_back(
        {"a root without its directory", root(root_text("d", pack_id{})), parley::errc::pack_missing_object});
    out.push_back({"a root of a file", root(root_text("d", hello_id)), parley::errc::pack_bad_tree});
    for (const char* hostile : {"", ".", "..", "/", "a/b", "../d", "d\nd", ".parley-abcdefghijklmnop.part"}) {
        out.push_back(
            {"a root with a hostile name", root(root_text(hostile, top)), parley::errc::hostile_name});
        out.push_back({"a file with a hostile name", file_pack(hostile, "x"), parley::errc::hostile_name});
    }
    out.push_back(
        {"a file with a long name", file_pack(std::string(256, 'a'), "x"), parley::errc::hostile_name});
    out.push_back({"a file with a very long name", file_pack(std::string(100'000, 'a'), "x"),
                   parley::errc::hostile_name});
}

inline void add_trees(std::vector<hostile_pack>& out)
{
    const pack_id empty_id = pack_object_id(tree_kind, "");
    const std::string sound = tree_line("100644", "hello", hello_id);
    for (const char* mode :
         {"120000", "160000", "040000", "100664", "100600", "10644", "1006444", "", "40000\t", "abc"}) {
        out.push_back({std::string("mode ") + mode, with_top(sound + tree_line(mode, "x", hello_id)),
                       parley::errc::pack_bad_tree});
        out.push_back({std::string("mode of a directory ") + mode,
                       with_top(tree_line(mode, "x", empty_id) + sound), parley::errc::pack_bad_tree});
    }
    out.push_back({"a file called a directory", with_top(tree_line("40000", "x", hello_id)),
                   parley::errc::pack_bad_tree});
    out.push_back({"a directory called a file", with_top(tree_line("100644", "x", empty_id)),
                   parley::errc::pack_bad_tree});
    for (std::size_t cut = 1; cut < sound.size(); ++cut)
        out.push_back({"a directory cut at " + std::to_string(cut), with_top(sound + sound.substr(0, cut)),
                       parley::errc::pack_bad_tree});
    out.push_back(
        {"a name without end", with_top("100644 " + std::string(10'000, 'a')), parley::errc::pack_bad_tree});
    out.push_back({"a long name", with_top(tree_line("100644", std::string(256, 'a'), hello_id)),
                   parley::errc::pack_bad_tree});
    out.push_back({"a file that never came", with_top(tree_line("100644", "x", pack_id{})),
                   parley::errc::pack_missing_object});
    out.push_back({"a directory that never came", with_top(tree_line("40000", "x", pack_id{})),
                   parley::errc::pack_missing_object});
    out.push_back({"a name twice", with_top(sound + sound), parley::errc::name_collision});
    out.push_back({"a name of a file and a directory",
                   with_top(sound + tree_line("40000", "hello", empty_id)), parley::errc::name_collision});
    for (const char* hostile : {".", "..", "/etc/passwd", "../x", "a/b", "a/", "/"})
        out.push_back({std::string("an entry with a hostile name"),
                       with_top(sound + tree_line("100644", hostile, hello_id)), parley::errc::hostile_name});
    out.push_back(
        {"an entry without a name", with_top(tree_line("100644", "", hello_id)), parley::errc::hostile_name});
    parley::receiver_limits few;
    few.max_entries = 4;
    out.push_back({"more paths than allowed",
                   with_top(sound + tree_line("100644", "b", hello_id) + tree_line("40000", "c", empty_id) +
                            tree_line("40000", "e", empty_id)),
                   parley::errc::too_many_entries, few});
}

inline std::vector<hostile_pack> hostile_packs()
{
    std::vector<hostile_pack> out;
    add_streams(out);
    add_entries(out);
    add_deltas(out);
    add_bombs(out);
    add_shapes(out);
    add_trees(out);
    return out;
}

} // namespace parley_test
