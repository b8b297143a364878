#include "payload/format/adler32.hpp"
#include "payload/in/raw_inflate.hpp"
#include "payload/out/deflate_engine.hpp"
#include "support/pack_builder.hpp"
#include "unit/payload/sample_files.hpp"

#include <gtest/gtest.h>
#include <zlib.h>

namespace parley_test {
namespace {

using parley::byte_vector;
using parley::bytes_view;
using parley::deflate_engine;
using parley::mutable_bytes;
using parley::raw_inflate;
using flush = deflate_engine::flush;

byte_vector deflated(deflate_engine& engine, bytes_view content, std::size_t room, flush how)
{
    byte_vector out, piece(room);
    bool complete = false;
    while (!complete) {
        mutable_bytes left(piece);
        complete = engine.step(content, left, how);
        out.insert(out.end(), piece.begin(), piece.end() - static_cast<std::ptrdiff_t>(left.size()));
    }
    return out;
}

std::string inflated_by_zlib(bytes_view packed, std::size_t size)
{
    z_stream stream{};
    EXPECT_EQ(inflateInit2(&stream, -MAX_WBITS), Z_OK);
    std::string out(size + 1, '\0');
    stream.next_in = const_cast<Bytef*>(packed.data());
    stream.avail_in = static_cast<uInt>(packed.size());
    stream.next_out = reinterpret_cast<Bytef*>(out.data());
    stream.avail_out = static_cast<uInt>(out.size());
    EXPECT_EQ(inflate(&stream, Z_FINISH), Z_STREAM_END);
    EXPECT_EQ(stream.avail_in, 0u);
    out.resize(out.size() - stream.avail_out);
    inflateEnd(&stream);
    return out;
}

TEST(DeflateEngine, MakesStreamsThatZlibReadsAtEveryLevel)
{
    for (int level = 1; level <= 9; ++level) {
        const auto engine = deflate_engine::create(level);
        ASSERT_TRUE(engine);
        for (const std::string& content :
             {std::string(), wordy_text(200'000, 1), random_text(70'000, 2), std::string(300'000, 'z')}) {
            for (const std::size_t room : {300'000u, 100u}) {
                engine->restart({});
                const byte_vector packed = deflated(*engine, parley::as_bytes(content), room, flush::finish);
                EXPECT_TRUE(inflated_by_zlib(packed, content.size()) == content) << level;
            }
        }
    }
}

TEST(DeflateEngine, AFlushLetsGoOfEverythingAtAWholeByte)
{
    for (const int level : {1, 4, 5, 6}) {
        const auto engine = deflate_engine::create(level);
        const std::string first = wordy_text(10'000, 3), second = wordy_text(10'000, 4);
        byte_vector packed = deflated(*engine, parley::as_bytes(first), 50'000, flush::sync);
        raw_inflate undo;
        ASSERT_TRUE(undo.restart({}));
        byte_vector out(20'001);
        bytes_view in = packed;
        const auto done = undo.step(in, out);
        EXPECT_EQ(done.state, raw_inflate::status::more);
        EXPECT_TRUE(parley::as_text({out.data(), done.made}) == first) << level;
        const byte_vector rest = deflated(*engine, parley::as_bytes(second), 50'000, flush::finish);
        packed.insert(packed.end(), rest.begin(), rest.end());
        EXPECT_TRUE(inflated_by_zlib(packed, 20'000) == first + second) << level;
    }
}

TEST(DeflateEngine, RefersBackToTheWindowItBeginsWith)
{
    const std::string window = random_text(32 * 1024, 5), content = window.substr(28 * 1024) + "end";
    for (int level = 1; level <= 9; ++level) {
        const auto engine = deflate_engine::create(level);
        engine->restart({});
        deflated(*engine, parley::as_bytes(wordy_text(100'000, 6)), 200'000, flush::sync);
        engine->restart(parley::as_bytes(window));
        const byte_vector packed = deflated(*engine, parley::as_bytes(content), 50'000, flush::finish);
        EXPECT_LT(packed.size(), 1000u) << level;
        raw_inflate undo;
        ASSERT_TRUE(undo.restart(parley::as_bytes(window)));
        bytes_view in = packed;
        byte_vector out(content.size() + 1);
        const auto done = undo.step(in, out);
        EXPECT_EQ(done.state, raw_inflate::status::ended);
        EXPECT_TRUE(parley::as_text({out.data(), done.made}) == content) << level;

        engine->restart({});
        const byte_vector alone = deflated(*engine, parley::as_bytes(content), 50'000, flush::finish);
        EXPECT_TRUE(inflated_by_zlib(alone, content.size()) == content) << level;
    }
}

TEST(RawInflate, refers_back_to_the_window_and_gives_back_what_it_read_ahead)
{
    const std::string window = wordy_text(32 * 1024, 5), content = window.substr(100, 5000) + "end";
    z_stream stream{};
    ASSERT_EQ(deflateInit2(&stream, 9, Z_DEFLATED, -MAX_WBITS, 8, Z_DEFAULT_STRATEGY), Z_OK);
    deflateSetDictionary(&stream, reinterpret_cast<const Bytef*>(window.data()),
                         static_cast<uInt>(window.size()));
    std::string packed(6000, '\0');
    stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(content.data()));
    stream.avail_in = static_cast<uInt>(content.size());
    stream.next_out = reinterpret_cast<Bytef*>(packed.data());
    stream.avail_out = static_cast<uInt>(packed.size());
    ASSERT_EQ(deflate(&stream, Z_FINISH), Z_STREAM_END);
    packed.resize(packed.size() - stream.avail_out);
    deflateEnd(&stream);
    EXPECT_LT(packed.size(), 1500u);

    const std::string following = packed + "what follows";
    for (const std::size_t room : {5003u, 5004u, 4096u, 1u}) {
        raw_inflate undo;
        ASSERT_TRUE(undo.restart(parley::as_bytes(window)));
        bytes_view in = parley::as_bytes(following);
        std::string out;
        byte_vector piece(room);
        auto state = raw_inflate::status::more;
        while (state == raw_inflate::status::more) {
            const auto done = undo.step(in, piece);
            out += parley::as_text({piece.data(), done.made});
            state = done.state;
        }
        EXPECT_EQ(state, raw_inflate::status::ended);
        EXPECT_TRUE(out == content);
        EXPECT_EQ(parley::as_text(in), "what follows");
    }
}

TEST(Adler32, is_what_zlib_says_in_any_split)
{
    const std::string text = random_text(200'000, 6);
    const auto bytes = parley::as_bytes(text);
    for (const std::size_t split : {0u, 1u, 15u, 5552u, 65'535u, 200'000u})
        EXPECT_EQ(parley::adler32(parley::adler32(1, bytes.first(split)), bytes.subspan(split)),
                  ::adler32_z(1, bytes.data(), bytes.size()));
}

} // namespace
} // namespace parley_test
