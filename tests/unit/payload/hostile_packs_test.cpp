// Packs that a hostile sender makes: each is refused with its error, promptly, and leaves the disk as it was.
#include "support/pack_builder.hpp"
#include "unit/payload/push_document.hpp"

#include <gtest/gtest.h>

#include <sys/resource.h>

#include <chrono>

namespace parley_test {
namespace {

using parley::errc;
using parley::receiver_limits;

struct hostile_pack {
    std::string name;
    std::string stream;
    errc expected;
    receiver_limits limits{};
};

std::string nested(std::string text, int times, const char* name)
{
    for (int i = 0; i < times; ++i) text = tree_line("40000", name, pack_object_id(tree_kind, text));
    return text;
}

const std::string hello = "Hello World!\n";
const pack_id hello_id = pack_object_id(blob_kind, hello);

// A pack whose top directory has this content, beside hello and an empty directory.
std::string with_top(const std::string& top, std::string_view root = {})
{
    pack_builder pack;
    pack.add(blob_kind, hello);
    pack.add(tree_kind, "");
    pack.add(tree_kind, top);
    pack.add(root_kind, root.empty() ? root_text("d", pack_object_id(tree_kind, top)) : std::string(root));
    return pack.finish();
}

// A sound directory with one more entry, made by `add`, before or after all others.
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

// A sound directory with one more entry, a delta of these instructions against hello.
std::string with_delta(const delta_text& delta)
{
    return beside([&](pack_builder& pack) { pack.add_offset_delta(0, delta.text()); });
}

void add_streams(std::vector<hostile_pack>& out)
{
    const std::string sound = file_pack("f", hello);
    std::string bad = sound;
    bad[3] = 'X';
    out.push_back({"another signature", bad, errc::pack_bad_signature});
    bad = sound;
    bad[7] = 3;
    out.push_back({"version 3", bad, errc::pack_bad_version});
    for (const std::size_t i : {1u, 10u, 20u}) {
        bad = sound;
        bad[bad.size() - i] = static_cast<char>(bad[bad.size() - i] ^ 1);
        out.push_back({"trailer wrong at -" + std::to_string(i), bad, errc::pack_bad_trailer});
    }
    bad = directory_pack("d", {{"a", "1"}});
    bad.back() = static_cast<char>(bad.back() ^ 1);
    out.push_back({"trailer of a directory wrong", bad, errc::pack_bad_trailer});
    out.push_back({"no entries", pack_builder().finish(), errc::pack_bad_shape});

    receiver_limits limits;
    out.push_back({"more entries announced than allowed", pack_builder().finish(limits.max_entries + 1),
                   errc::too_many_entries});
    out.push_back({"as many entries announced as there are numbers", pack_builder().finish(UINT32_MAX),
                   errc::too_many_entries});
    limits.max_entries = 3;
    out.push_back({"four entries where three are allowed",
                   beside([](pack_builder& p) { p.add(blob_kind, "x"); }), errc::too_many_entries, limits});
}

void add_entries(std::vector<hostile_pack>& out)
{
    for (const unsigned kind : {0u, 5u})
        for (const bool first : {true, false})
            out.push_back({"kind " + std::to_string(kind),
                           beside([&](pack_builder& p) { p.add(kind, "x"); }, first), errc::pack_bad_entry});
    const std::string too_long = std::string(1, '\xbf') + std::string(9, '\xff') + '\x7f';
    out.push_back({"a size above 64 bits",
                   beside([&](pack_builder& p) { p.add_raw(too_long + zlib_stream("")); }),
                   errc::pack_bad_entry});
    for (const std::uint64_t size : {0ull, 1ull, 12ull, 14ull, 1000ull, 1ull << 20})
        out.push_back({"a file announced with " + std::to_string(size),
                       beside([&](pack_builder& p) { p.add(blob_kind, hello, size); }),
                       errc::pack_size_mismatch});
    out.push_back({"a file announced with 2^60",
                   beside([&](pack_builder& p) { p.add(blob_kind, hello, 1ull << 60); }),
                   errc::document_too_large});
    out.push_back({"a file announced with 2^64-1",
                   beside([&](pack_builder& p) { p.add(blob_kind, hello, UINT64_MAX); }),
                   errc::document_too_large});
    out.push_back({"a waiting delta announced with 2^64-1", beside([](pack_builder& p) {
                       p.add_raw(entry_head(reference_kind, UINT64_MAX) + std::string(20, 'i') +
                                 zlib_stream("x"));
                   }),
                   errc::document_too_large});
    out.push_back({"a directory announced with 2^40",
                   beside([&](pack_builder& p) { p.add(tree_kind, "", 1ull << 40); }),
                   errc::too_many_entries});
    out.push_back({"not a zlib stream",
                   beside([](pack_builder& p) { p.add_raw(entry_head(blob_kind, 4) + "abcdefgh"); }),
                   errc::pack_bad_compression});
    std::string bad = zlib_stream(hello);
    bad.back() = static_cast<char>(bad.back() ^ 1);
    out.push_back({"a wrong zlib checksum",
                   beside([&](pack_builder& p) { p.add_raw(entry_head(blob_kind, hello.size()) + bad); }),
                   errc::pack_bad_compression});
    // 0x78 0xbb asks for a dictionary.
    out.push_back({"a zlib dictionary", beside([](pack_builder& p) {
                       p.add_raw(entry_head(blob_kind, 4) + std::string("\x78\xbb\0\0\0\1abcd", 10));
                   }),
                   errc::pack_bad_compression});
}

void add_deltas(std::vector<hostile_pack>& out)
{
    const auto delta = make_delta(hello, "Hello");
    out.push_back({"an offset delta to before the start",
                   beside([&](pack_builder& p) { p.add_distance_delta(p.offset() + 1, delta); }),
                   errc::pack_bad_entry});
    out.push_back({"an offset delta to far before the start",
                   beside([&](pack_builder& p) { p.add_distance_delta(UINT64_MAX / 2, delta); }),
                   errc::pack_bad_entry});
    out.push_back({"an offset delta against itself",
                   beside([&](pack_builder& p) { p.add_distance_delta(0, delta); }), errc::pack_bad_entry});
    out.push_back({"an offset delta into the middle of an entry",
                   beside([&](pack_builder& p) { p.add_distance_delta(p.offset() - 13, delta); }),
                   errc::pack_missing_base});
    out.push_back({"an offset delta against the head",
                   beside([&](pack_builder& p) { p.add_distance_delta(p.offset(), delta); }),
                   errc::pack_missing_base});
    out.push_back({"an offset delta first of all",
                   beside([&](pack_builder& p) { p.add_distance_delta(1, delta); }, true),
                   errc::pack_missing_base});
    out.push_back({"an offset delta against the root",
                   beside([&](pack_builder& p) { p.add_offset_delta(2, delta); }), errc::pack_missing_base});
    out.push_back({"an offset delta with a distance above 64 bits", beside([&](pack_builder& p) {
                       p.add_raw(entry_head(offset_kind, 1) + std::string(12, '\xff') + '\1' +
                                 zlib_stream("x"));
                   }),
                   errc::pack_bad_entry});

    out.push_back({"a reference delta without a base",
                   beside([&](pack_builder& p) { p.add_reference_delta(pack_id{}, delta); }),
                   errc::pack_missing_base});
    const pack_id root = pack_object_id(
        root_kind, root_text("d", pack_object_id(tree_kind, tree_line("100644", "hello", hello_id))));
    out.push_back({"a reference delta against the root",
                   beside([&](pack_builder& p) { p.add_reference_delta(root, delta); }),
                   errc::pack_missing_base});
    out.push_back({"a reference delta against itself", beside([&](pack_builder& p) {
                       p.add_reference_delta(pack_object_id(blob_kind, "me"), make_delta("me", "me"));
                   }),
                   errc::pack_missing_base});
    out.push_back({"a loop of deltas", beside([&](pack_builder& p) {
                       const std::string a = "one of them", b = "two of them", c = "three of them";
                       p.add_reference_delta(pack_object_id(blob_kind, c), make_delta(c, a));
                       p.add_reference_delta(pack_object_id(blob_kind, a), make_delta(a, b));
                       p.add_reference_delta(pack_object_id(blob_kind, b), make_delta(b, c));
                       p.add_offset_delta(p.entries() - 1, make_delta(c, "hangs on it"));
                   }),
                   errc::pack_missing_base});

    const std::uint64_t size = hello.size();
    out.push_back({"a delta for a longer base", with_delta(delta_text(size + 1, 2).insert("ab")),
                   errc::pack_bad_delta});
    out.push_back({"a delta for a shorter base", with_delta(delta_text(size - 1, 2).insert("ab")),
                   errc::pack_bad_delta});
    out.push_back(
        {"a delta that makes more", with_delta(delta_text(size, 2).insert("abc")), errc::pack_bad_delta});
    out.push_back(
        {"a delta that copies more", with_delta(delta_text(size, 2).copy(0, 3)), errc::pack_bad_delta});
    out.push_back(
        {"a delta that makes less", with_delta(delta_text(size, 4).insert("abc")), errc::pack_bad_delta});
    out.push_back(
        {"a copy past the base", with_delta(delta_text(size, 20).copy(0, 14)), errc::pack_bad_delta});
    out.push_back(
        {"a copy behind the base", with_delta(delta_text(size, 20).copy(14, 1)), errc::pack_bad_delta});
    out.push_back({"a copy from 4 GiB", with_delta(delta_text(size, 20).copy(0xffffffff, 0xffffff)),
                   errc::pack_bad_delta});
    out.push_back(
        {"a copy of 65536", with_delta(delta_text(size, 1 << 20).copy(0, 0x10000)), errc::pack_bad_delta});
    out.push_back({"the reserved instruction", with_delta(delta_text(size, 1).raw(std::string(1, '\0'))),
                   errc::pack_bad_delta});
    out.push_back({"a cut insert", with_delta(delta_text(size, 5).raw("\5abc")), errc::pack_bad_delta});
    out.push_back({"a cut copy", with_delta(delta_text(size, 5).raw("\x91\1")), errc::pack_bad_delta});
    out.push_back(
        {"an empty delta", beside([](pack_builder& p) { p.add_offset_delta(0, ""); }), errc::pack_bad_delta});
    out.push_back({"a delta of half a size", beside([](pack_builder& p) { p.add_offset_delta(0, "\x8d"); }),
                   errc::pack_bad_delta});
    out.push_back({"a delta with a size above 64 bits", beside([](pack_builder& p) {
                       p.add_offset_delta(0, "\x0d" + std::string(10, '\xff') + "\1");
                   }),
                   errc::pack_bad_delta});
    // The same, met only at the end.
    out.push_back({"a waiting delta that copies past its base", beside([&](pack_builder& p) {
                       p.add_reference_delta(pack_object_id(blob_kind, "late"),
                                             delta_text(4, 5).copy(0, 5).text());
                       p.add(blob_kind, "late");
                   }),
                   errc::pack_bad_delta});
    receiver_limits shallow;
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
                   errc::pack_bad_delta, shallow});
}

void add_bombs(std::vector<hostile_pack>& out)
{
    receiver_limits small;
    small.max_document_bytes = 8 << 20;
    const std::string bomb = zlib_bomb(64 << 20);
    out.push_back({"a bomb that says so",
                   beside([&](pack_builder& p) { p.add_raw(entry_head(blob_kind, 64 << 20) + bomb); }),
                   errc::document_too_large, small});
    for (const unsigned kind : {blob_kind, tree_kind})
        out.push_back({"a bomb that lies",
                       beside([&](pack_builder& p) { p.add_raw(entry_head(kind, 100) + bomb); }),
                       errc::pack_size_mismatch});
    out.push_back({"a bomb in a root",
                   beside([&](pack_builder& p) { p.add_raw(entry_head(root_kind, 64 << 20) + bomb); }, true),
                   errc::pack_bad_root});
    pack_builder name;
    name.add_raw(entry_head(name_kind, 64 << 20) + bomb);
    name.add(blob_kind, "x");
    out.push_back({"a bomb in a name", name.finish(), errc::hostile_name});
    pack_builder lying;
    lying.add_raw(entry_head(name_kind, 5) + bomb);
    lying.add(blob_kind, "x");
    out.push_back({"a bomb in a short name", lying.finish(), errc::pack_size_mismatch});

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
                   errc::document_too_large, small});
    out.push_back({"a delta that announces 2^63", beside([&](pack_builder& p) {
                       p.add_offset_delta(0, delta_text(hello.size(), 1ull << 63).copy(0, 1).text());
                   }),
                   errc::document_too_large});
    out.push_back(
        {"deltas that double", beside([&](pack_builder& p) {
             std::uint64_t size = hello.size();
             std::size_t last = 0;
             for (int i = 0; i < 40; ++i, size *= 2)
                 last = p.add_offset_delta(
                     last,
                     delta_text(size, 2 * size).copy(0, size & 0xffffff).copy(0, size & 0xffffff).text());
         }),
         errc::document_too_large, small});
    out.push_back({"a waiting delta that makes much of little", beside([&](pack_builder& p) {
                       p.add_reference_delta(pack_object_id(blob_kind, base), copies(1000));
                       p.add(blob_kind, base);
                   }),
                   errc::document_too_large, small});

    std::string many;
    for (int i = 0; i < 2000; ++i)
        many += tree_line("100644", "f" + std::to_string(i), pack_object_id(blob_kind, base));
    pack_builder repeated;
    repeated.add(blob_kind, base);
    repeated.add(tree_kind, many);
    repeated.add(root_kind, root_text("d", pack_object_id(tree_kind, many)));
    out.push_back({"one file two thousand times", repeated.finish(), errc::document_too_large, small});

    // Each level names the one below ten times: ten to the twelfth paths.
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
    out.push_back({"directories that multiply", dag.finish(), errc::too_many_entries});

    // The same of empty directories, which cost no byte.
    pack_builder empty;
    level.clear();
    for (int i = 0; i < 40; ++i) {
        empty.add(tree_kind, level);
        const pack_id below = pack_object_id(tree_kind, level);
        level = tree_line("40000", "a", below) + tree_line("40000", "b", below);
    }
    empty.add(tree_kind, level);
    empty.add(root_kind, root_text("d", pack_object_id(tree_kind, level)));
    out.push_back({"empty directories that multiply", empty.finish(), errc::too_many_entries});

    for (const int depth : {128, 5000}) {
        pack_builder deep;
        std::string text;
        for (int i = 0; i <= depth; ++i) {
            deep.add(tree_kind, text);
            text = tree_line("40000", "d", pack_object_id(tree_kind, text));
        }
        deep.add(root_kind, root_text("d", pack_object_id(tree_kind, nested("", depth, "d"))));
        out.push_back({"directories " + std::to_string(depth) + " deep", deep.finish(), errc::tree_too_deep});
    }
}

void add_shapes(std::vector<hostile_pack>& out)
{
    const auto pack_of_two = [](unsigned first, std::string_view a, unsigned second, std::string_view b) {
        pack_builder pack;
        pack.add(first, a);
        pack.add(second, b);
        return pack.finish();
    };
    pack_builder alone;
    alone.add(name_kind, "f");
    out.push_back({"a name alone", alone.finish(), errc::pack_bad_shape});
    alone.add(blob_kind, "x");
    alone.add(blob_kind, "y");
    out.push_back({"a name and two files", alone.finish(), errc::pack_bad_shape});
    out.push_back(
        {"a name and a directory", pack_of_two(name_kind, "f", tree_kind, ""), errc::pack_bad_shape});
    out.push_back({"two names", pack_of_two(name_kind, "f", name_kind, "g"), errc::pack_bad_shape});
    out.push_back(
        {"a file before its name", pack_of_two(blob_kind, "x", name_kind, "f"), errc::pack_bad_shape});
    out.push_back({"a name and a root", pack_of_two(name_kind, "f", root_kind, root_text("d", hello_id)),
                   errc::pack_bad_shape});
    pack_builder delta;
    delta.add(name_kind, "f");
    delta.add_offset_delta(0, make_delta("f", "g"));
    out.push_back({"a name and a delta of it", delta.finish(), errc::pack_bad_shape});
    out.push_back({"a name in a directory", beside([](pack_builder& p) { p.add(name_kind, "f"); }),
                   errc::pack_bad_shape});

    pack_builder blob;
    blob.add(blob_kind, hello);
    out.push_back({"no root", blob.finish(), errc::pack_bad_root});
    const pack_id top = pack_object_id(tree_kind, "");
    const auto root = [](const std::string& text) { return with_top("", text); };
    out.push_back({"two roots", beside([&](pack_builder& p) { p.add(root_kind, root_text("e", top)); }),
                   errc::pack_bad_root});
    out.push_back({"an empty root",
                   [] {
                       pack_builder p;
                       p.add(tree_kind, "");
                       p.add(root_kind, "");
                       return p.finish();
                   }(),
                   errc::pack_bad_root});
    out.push_back({"a root without NUL", root(std::string(100, 'a')), errc::pack_bad_root});
    out.push_back({"a root without a number", root(root_text("d", top, "")), errc::pack_bad_root});
    out.push_back({"a root with a signed number", root(root_text("d", top, "-1")), errc::pack_bad_root});
    out.push_back({"a root with a number of words", root(root_text("d", top, "3 ")), errc::pack_bad_root});
    out.push_back({"a cut root", root(root_text("d", top, "").substr(0, 12)), errc::pack_bad_root});
    out.push_back({"a long root", root(root_text(std::string(255, 'a'), top, std::string(100, '1'))),
                   errc::pack_bad_root});
    out.push_back(
        {"a root without its directory", root(root_text("d", pack_id{})), errc::pack_missing_object});
    out.push_back({"a root of a file", root(root_text("d", hello_id)), errc::pack_bad_tree});
    for (const char* hostile :
         {"", ".", "..", "/", "a/b", "../d", "con", "d\nd", ".parley-abcdefghijklmnop.part"}) {
        out.push_back({"a root with a hostile name", root(root_text(hostile, top)), errc::hostile_name});
        out.push_back({"a file with a hostile name", file_pack(hostile, "x"), errc::hostile_name});
    }
    out.push_back({"a file with a long name", file_pack(std::string(256, 'a'), "x"), errc::hostile_name});
    out.push_back(
        {"a file with a very long name", file_pack(std::string(100'000, 'a'), "x"), errc::hostile_name});
}

void add_trees(std::vector<hostile_pack>& out)
{
    const pack_id empty_id = pack_object_id(tree_kind, "");
    const std::string sound = tree_line("100644", "hello", hello_id);
    for (const char* mode :
         {"120000", "160000", "040000", "100664", "100600", "10644", "1006444", "", "40000\t", "abc"}) {
        out.push_back({std::string("mode ") + mode, with_top(sound + tree_line(mode, "x", hello_id)),
                       errc::pack_bad_tree});
        out.push_back({std::string("mode of a directory ") + mode,
                       with_top(tree_line(mode, "x", empty_id) + sound), errc::pack_bad_tree});
    }
    out.push_back(
        {"a file called a directory", with_top(tree_line("40000", "x", hello_id)), errc::pack_bad_tree});
    out.push_back(
        {"a directory called a file", with_top(tree_line("100644", "x", empty_id)), errc::pack_bad_tree});
    for (std::size_t cut = 1; cut < sound.size(); ++cut)
        out.push_back({"a directory cut at " + std::to_string(cut), with_top(sound + sound.substr(0, cut)),
                       errc::pack_bad_tree});
    out.push_back(
        {"a name without end", with_top("100644 " + std::string(10'000, 'a')), errc::pack_bad_tree});
    out.push_back(
        {"a long name", with_top(tree_line("100644", std::string(256, 'a'), hello_id)), errc::pack_bad_tree});
    out.push_back(
        {"a file that never came", with_top(tree_line("100644", "x", pack_id{})), errc::pack_missing_object});
    out.push_back({"a directory that never came", with_top(tree_line("40000", "x", pack_id{})),
                   errc::pack_missing_object});
    out.push_back({"a name twice", with_top(sound + sound), errc::name_collision});
    out.push_back({"a name of a file and a directory",
                   with_top(sound + tree_line("40000", "hello", empty_id)), errc::name_collision});
    out.push_back({"names that differ by case", with_top(sound + tree_line("100644", "HELLO", hello_id)),
                   errc::name_collision});
    out.push_back({"names that differ by form",
                   with_top(tree_line("100644", "caf\xc3\xa9", hello_id) +
                            tree_line("40000", "cafe\xcc\x81", empty_id)),
                   errc::name_collision});
    for (const char* hostile : {".", "..", "/etc/passwd", "../x", "a/b", "a\\b", "NUL", "a\x1b[2J", "\xff"})
        out.push_back({std::string("an entry with a hostile name"),
                       with_top(sound + tree_line("100644", hostile, hello_id)), errc::hostile_name});
    out.push_back(
        {"an entry without a name", with_top(tree_line("100644", "", hello_id)), errc::hostile_name});
    receiver_limits few;
    few.max_entries = 4;
    out.push_back({"more paths than allowed",
                   with_top(sound + tree_line("100644", "b", hello_id) + tree_line("40000", "c", empty_id) +
                            tree_line("40000", "e", empty_id)),
                   errc::too_many_entries, few});
}

std::vector<hostile_pack> hostile_packs()
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

    scratch_folder outside;
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
            EXPECT_EQ(result.error, parley::condition::peer_fault);
            EXPECT_EQ(result.detail.find_first_of("\n\x1b\x7f"), std::string::npos) << "escaped";
            EXPECT_LT(took, std::chrono::seconds(20));
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

// Whatever single byte is wrong, the document is refused, or it is a sound one (the trailer does not cover
// its own bytes, and a zlib header has bits without meaning, but the SHA-1 sees those too).
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

// The same with a trailer that fits: what is accepted then must be a whole document, in its place and nowhere
// else.
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
    EXPECT_EQ(push(full, file_pack("f", hello)).error, errc::document_too_large);
    EXPECT_EQ(push(full, directory_pack("d", {{"a", "1"}})).error, errc::document_too_large);
    EXPECT_TRUE(listing_of(outside.path()) == before);
}

} // namespace
} // namespace parley_test
