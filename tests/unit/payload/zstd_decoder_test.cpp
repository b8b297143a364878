#include <parley/payload/zstd_decoder.hpp>
#include <parley/payload/zstd_encoder.hpp>
#include <parley/testing/seeded_random.hpp>

#include <gtest/gtest.h>

#include <algorithm>

namespace parley_test {
namespace {

using parley::byte;
using parley::byte_vector;
using parley::bytes_view;
using parley::errc;
using parley::zstd_decoder;

constexpr std::uint64_t unknown_due = std::numeric_limits<std::uint64_t>::max();

struct decoded {
    byte_vector content;
    parley::error_code error;
    bool complete = false;
    std::string problem;
};

// Decodes pieces of at most `most` bytes, like an owner that stops at what is too much.
decoded decode(zstd_decoder& decoder, bytes_view encoded, std::uint64_t due, std::size_t most = 1u << 20)
{
    decoded out;
    decoder.begin(due);
    while (!encoded.empty() && !out.error && out.content.size() <= due) {
        bytes_view piece = encoded.first(std::min(most, encoded.size()));
        encoded = encoded.subspan(piece.size());
        while (true) {
            const auto content = decoder.decode(piece);
            if (!content) {
                out.error = content.error();
                break;
            }
            out.content.insert(out.content.end(), content->begin(), content->end());
            if (content->empty() || out.content.size() > due) break;
        }
    }
    out.complete = decoder.is_complete();
    out.problem = decoder.problem();
    return out;
}

decoded decode(bytes_view encoded, std::uint64_t due, std::size_t most = 1u << 20)
{
    zstd_decoder decoder;
    return decode(decoder, encoded, due, most);
}

byte_vector encoded_frame(bytes_view content, bool size_is_known = true, int level = 3)
{
    parley::zstd_encoder encoder{level};
    EXPECT_FALSE(encoder.begin(size_is_known ? content.size() : unknown_due));
    byte_vector out, buffer(4096);
    const auto take = [&](std::size_t n) {
        out.insert(out.end(), buffer.begin(), buffer.begin() + static_cast<std::ptrdiff_t>(n));
    };
    while (!content.empty()) take(encoder.encode(content, buffer).value());
    for (bool complete = false; !complete;) {
        const auto end = encoder.finish(buffer).value();
        take(end.made);
        complete = end.complete;
    }
    return out;
}

byte_vector from_text(std::string_view hex)
{
    return parley::from_hex(hex).bytes;
}

byte_vector some_content(std::size_t size, std::uint64_t seed)
{
    parley::testing::seeded_random random{seed};
    byte_vector out = random.bytes(size);
    for (std::size_t i = 0; i + 100 < size; i += 200)
        std::fill_n(out.begin() + static_cast<std::ptrdiff_t>(i), 100, byte{'x'});
    return out;
}

TEST(zstd_decoder, decodes_any_split)
{
    for (const std::size_t size : {0u, 1u, 100u, 128u << 10, (128u << 10) + 1, 400000u}) {
        const byte_vector content = some_content(size, size);
        for (const bool known : {true, false}) {
            const byte_vector frame = encoded_frame(content, known);
            for (const std::size_t most : {1u, 3u, 1000u, 1u << 20}) {
                for (const std::uint64_t due : {std::uint64_t{size}, unknown_due}) {
                    const decoded out = decode(frame, due, most);
                    EXPECT_FALSE(out.error) << out.problem;
                    EXPECT_TRUE(out.content == content) << size << ' ' << most;
                    EXPECT_TRUE(out.complete);
                }
            }
        }
    }
}

TEST(zstd_decoder, decodes_one_frame_after_another)
{
    zstd_decoder decoder;
    for (int i = 0; i < 20; ++i) {
        const byte_vector content = some_content(static_cast<std::size_t>(i) * 1000, 3);
        const byte_vector frame = encoded_frame(content);
        EXPECT_TRUE(decode(decoder, frame, content.size()).content == content);
        EXPECT_TRUE(decoder.is_complete());
        // What is broken off or wrong does not harm the next one.
        decode(decoder, bytes_view{frame}.first(frame.size() / 2), content.size());
        EXPECT_FALSE(decoder.is_complete());
        EXPECT_TRUE(decode(decoder, from_text("00000000000000"), 1).error);
    }
}

TEST(zstd_decoder, stops_one_byte_after_what_is_due)
{
    const byte_vector content(100000, 'x');
    const byte_vector frame = encoded_frame(content, false);
    for (const std::uint64_t due : {0u, 1u, 99u, 99999u})
        EXPECT_EQ(decode(frame, due).content.size(), due + 1);
    zstd_decoder decoder;
    decode(decoder, frame, 5);
    bytes_view nothing;
    EXPECT_FALSE(decoder.decode(nothing)) << "it does not go on";
    EXPECT_FALSE(decoder.is_complete());
}

TEST(zstd_decoder, an_unfinished_frame_is_not_complete)
{
    const byte_vector content = some_content(3000, 5);
    const byte_vector frame = encoded_frame(content);
    for (std::size_t n = 0; n < frame.size(); ++n) {
        const decoded out = decode(bytes_view{frame}.first(n), content.size());
        EXPECT_FALSE(out.complete) << n;
        EXPECT_FALSE(out.error) << n;
    }
}

TEST(zstd_decoder, nothing_follows_the_frame)
{
    byte_vector frame = encoded_frame(some_content(3000, 5));
    const byte_vector one = frame;
    frame.push_back(0);
    for (const std::size_t most : {1u, 1u << 20}) {
        EXPECT_EQ(decode(frame, 3000, most).error, errc::document_rule_broken);
        EXPECT_EQ(decode(frame, unknown_due, most).error, errc::document_rule_broken);
    }
    byte_vector two = one;
    two.insert(two.end(), one.begin(), one.end());
    EXPECT_EQ(decode(two, unknown_due).error, errc::document_rule_broken);
}

TEST(zstd_decoder, takes_only_the_frames_that_the_protocol_has)
{
    const auto problem_of = [](const std::string& hex) {
        const decoded out = decode(from_text(hex), unknown_due, 1);
        return out.error ? out.problem : "content " + std::to_string(out.content.size());
    };
    const std::string magic = "28b52ffd";
    const std::string one_x = "090000"
                              "78"; // the last block, raw, of one byte
    const std::string window = "a Zstandard frame with a window above 8 MiB";
    EXPECT_EQ(problem_of(magic +
                         "00"
                         "68" +
                         one_x),
              "content 1")
        << "8 MiB";
    EXPECT_EQ(problem_of(magic +
                         "00"
                         "69" +
                         one_x),
              window)
        << "9 MiB";
    EXPECT_EQ(problem_of(magic +
                         "00"
                         "70" +
                         one_x),
              window)
        << "16 MiB";
    EXPECT_EQ(problem_of(magic +
                         "00"
                         "ff" +
                         one_x),
              window);
    // The window of one that states its content's size counts, too, however short it is.
    EXPECT_EQ(problem_of(magic +
                         "40"
                         "70"
                         "0000" +
                         one_x),
              window);
    EXPECT_EQ(problem_of(magic + "a0"
                                 "01008000"),
              window)
        << "one segment of 8 MiB and a byte";
    EXPECT_EQ(problem_of(magic + "a0"
                                 "00008000"),
              "content 0")
        << "one of 8 MiB";
    EXPECT_EQ(problem_of(magic + "e0"
                                 "0100000001000000"),
              window);
    EXPECT_EQ(problem_of(magic +
                         "20"
                         "01" +
                         one_x),
              "content 1");
    EXPECT_EQ(problem_of(magic +
                         "01"
                         "00"
                         "07" +
                         one_x),
              "a Zstandard frame with a dictionary");
    EXPECT_EQ(problem_of(magic +
                         "01"
                         "00"
                         "00" +
                         one_x),
              "content 1")
        << "dictionary id 0 is none";
    EXPECT_EQ(problem_of(magic +
                         "02"
                         "00"
                         "0001" +
                         one_x),
              "a Zstandard frame with a dictionary");
    EXPECT_EQ(problem_of(magic +
                         "03"
                         "00"
                         "00000001" +
                         one_x),
              "a Zstandard frame with a dictionary");
    EXPECT_EQ(problem_of("502a4d18"
                         "01000000"
                         "00"),
              "no Zstandard frame")
        << "a skippable one";
    EXPECT_EQ(problem_of("1f8b08000000"), "no Zstandard frame");
    EXPECT_NE(problem_of(magic +
                         "08"
                         "00" +
                         one_x),
              "content 1")
        << "a reserved bit";
    EXPECT_NE(problem_of(magic +
                         "20"
                         "02" +
                         one_x),
              "content 1")
        << "another size than it states";
    EXPECT_NE(problem_of(magic +
                         "04"
                         "00" +
                         one_x + "00000000"),
              "content 1")
        << "a wrong checksum";
}

TEST(zstd_decoder, changed_frames_do_no_harm)
{
    parley::testing::seeded_random random{9};
    const byte_vector content = some_content(2000, 6), frame = encoded_frame(content);
    zstd_decoder decoder;
    for (int round = 0; round < 3000; ++round) {
        byte_vector changed = frame;
        for (std::uint64_t n = 1 + random.below(3); n > 0; --n)
            changed[random.below(changed.size())] = static_cast<byte>(random.next());
        EXPECT_LE(decode(decoder, changed, content.size(), 1 + random.below(500)).content.size(),
                  content.size() + 1);
    }
}

} // namespace
} // namespace parley_test
