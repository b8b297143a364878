#include "payload/in/pack_reader.hpp"
#include "support/pack_builder.hpp"
#include "unit/payload/sample_files.hpp"

#include <gtest/gtest.h>

namespace parley_test {
namespace {

using parley::errc;
using parley::error_code;
using parley::pack_entry_kind;
using parley::pack_reader;

// Records the calls of the reader, and fails at a chosen call.
struct recorder final : parley::pack_sink {
    error_code step(const std::string& line)
    {
        lines.push_back(line);
        return --calls_left == 0 ? make_error_code(errc::cancelled) : error_code();
    }
    error_code begin_pack(std::uint32_t entries) override { return step("pack " + std::to_string(entries)); }
    error_code begin_entry(const parley::entry_header& header, std::uint32_t number,
                           std::uint64_t offset) override
    {
        content_.clear();
        return step("entry " + std::to_string(number) + " at " + std::to_string(offset) + " kind " +
                    std::to_string(static_cast<int>(header.kind)) + " size " + std::to_string(header.size) +
                    (header.kind == pack_entry_kind::offset_delta
                         ? " from -" + std::to_string(header.base_distance)
                         : ""));
    }
    error_code content(parley::bytes_view bytes) override
    {
        EXPECT_FALSE(bytes.empty());
        content_ += parley::as_text(bytes);
        return {};
    }
    error_code end_entry() override { return step(content_); }
    error_code end_pack() override { return step("end"); }

    std::vector<std::string> lines;
    int calls_left = -1;

private:
    std::string content_;
};

error_code read(pack_reader& reader, recorder& sink, std::string_view stream, std::size_t piece)
{
    while (!stream.empty()) {
        const std::string_view next = stream.substr(0, piece);
        if (const error_code error = reader.write(parley::as_bytes(next), sink)) return error;
        stream.remove_prefix(next.size());
    }
    return {};
}

std::string sample(std::vector<std::string>* lines = nullptr)
{
    pack_builder pack;
    const std::string big = random_text(300'000, 1);
    std::vector<std::string> expected = {"pack 4"};
    const auto note = [&](std::uint64_t offset, int kind, const std::string& content,
                          const std::string& more = "") {
        expected.push_back("entry " + std::to_string(pack.entries() - 1) + " at " + std::to_string(offset) +
                           " kind " + std::to_string(kind) + " size " + std::to_string(content.size()) +
                           more);
        expected.push_back(content);
    };
    std::uint64_t at = pack.offset();
    pack.add(blob_kind, big);
    note(at, 3, big);
    at = pack.offset();
    pack.add(blob_kind, "");
    note(at, 3, "");
    at = pack.offset();
    pack.add_offset_delta(0, "a delta");
    note(at, 6, "a delta", " from -" + std::to_string(at - 12));
    at = pack.offset();
    pack.level = 0;
    pack.add(root_kind, "the root");
    note(at, 1, "the root");
    expected.push_back("end");
    if (lines != nullptr) *lines = expected;
    return pack.finish();
}

TEST(PackReader, tells_all_in_order_in_any_split)
{
    std::vector<std::string> expected;
    const std::string stream = sample(&expected);
    for (const std::size_t piece :
         {std::size_t{1}, std::size_t{3}, std::size_t{1000}, std::size_t{32'767}, stream.size()}) {
        pack_reader reader;
        recorder sink;
        ASSERT_EQ(read(reader, sink, stream + "junk of any length", piece), error_code());
        EXPECT_TRUE(sink.lines == expected) << piece;
        EXPECT_TRUE(reader.ended());
        EXPECT_EQ(reader.taken(), stream.size()) << "the junk is not the reader's";
        EXPECT_EQ(read(reader, sink, "more junk", piece), error_code());
    }
}

TEST(PackReader, a_pack_without_entries_is_a_pack)
{
    pack_reader reader;
    recorder sink;
    EXPECT_EQ(read(reader, sink, pack_builder().finish(), 1), error_code());
    EXPECT_EQ(sink.lines, (std::vector<std::string>{"pack 0", "end"}));
}

TEST(PackReader, each_call_of_the_sink_in_turn_can_stop_it)
{
    const std::string stream = sample();
    for (int call = 1; call <= 10; ++call) {
        pack_reader reader;
        recorder sink;
        sink.calls_left = call;
        ASSERT_EQ(read(reader, sink, stream, 5000), errc::cancelled) << call;
        EXPECT_EQ(sink.lines.size(), static_cast<std::size_t>(call));
        EXPECT_EQ(reader.write(parley::as_bytes("x"), sink), errc::cancelled) << "it stays";
        EXPECT_EQ(sink.lines.size(), static_cast<std::size_t>(call));
        EXPECT_FALSE(reader.ended());
    }
}

TEST(PackReader, says_where_it_stopped)
{
    pack_builder pack;
    pack.add(blob_kind, "sound");
    const std::uint64_t at = pack.offset();
    pack.add(blob_kind, "a lie", 99);
    pack_reader reader;
    recorder sink;
    EXPECT_EQ(read(reader, sink, pack.finish(), 1), errc::pack_size_mismatch);
    EXPECT_TRUE(reader.in_entry());
    EXPECT_EQ(reader.entry_number(), 1u);
    EXPECT_EQ(reader.entry_offset(), at);
    EXPECT_NE(reader.problem().find("less"), std::string_view::npos);
}

TEST(PackReader, every_wrong_byte_of_a_stored_stream_is_seen)
{
    pack_builder pack;
    pack.level = 0;
    pack.add(blob_kind, "some content");
    pack.add(root_kind, "some root");
    const std::string stream = pack.finish();
    for (std::size_t at = 0; at < stream.size(); ++at) {
        std::string bad = stream;
        bad[at] = static_cast<char>(bad[at] ^ 4);
        for (const std::size_t piece : {std::size_t{1}, stream.size()}) {
            pack_reader reader;
            recorder sink;
            const error_code error = read(reader, sink, bad, piece);
            // A larger number of entries or size only makes it wait for more.
            EXPECT_TRUE(error || !reader.ended()) << at;
        }
    }
}

TEST(PackReader, a_stream_that_inflates_without_end_is_stopped_at_its_size)
{
    const std::string bomb = zlib_bomb(256 << 20);
    for (const std::uint64_t announced : {0ull, 1ull, 131'071ull, 131'072ull, 131'073ull}) {
        pack_builder pack;
        pack.add_raw(entry_head(blob_kind, announced) + bomb);
        pack_reader reader;
        recorder sink;
        EXPECT_EQ(read(reader, sink, pack.finish(), 1000), errc::pack_size_mismatch) << announced;
        EXPECT_LE(reader.taken(), 3000u) << "not inflated any further";
    }
}

TEST(PackReader, sizes_around_its_buffer_are_whole)
{
    for (const std::size_t size : {131'071u, 131'072u, 131'073u, 262'143u, 262'144u, 262'145u}) {
        for (const int level : {0, 9}) {
            pack_builder pack;
            pack.level = level;
            const std::string content(size, 'x');
            pack.add(blob_kind, content);
            pack_reader reader;
            recorder sink;
            EXPECT_EQ(read(reader, sink, pack.finish(), 32'767), error_code());
            ASSERT_EQ(sink.lines.size(), 4u);
            EXPECT_TRUE(sink.lines[2] == content) << size;
        }
    }
}

} // namespace
} // namespace parley_test
