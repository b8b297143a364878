#include <parley/payload/zstd_decoder.hpp>
#include <parley/payload/zstd_encoder.hpp>
#include <parley/testing/seeded_random.hpp>

#include <gtest/gtest.h>

namespace parley_test {
namespace {

using parley::zstd_encoder;

// Encodes into a buffer of `space` bytes at a time. Nothing when the encoder fails.
std::optional<parley::byte_vector> encoded_in_steps(zstd_encoder& encoder, parley::bytes_view content,
                                                    std::uint64_t stated, std::size_t space)
{
    if (encoder.begin(stated)) return std::nullopt;
    parley::byte_vector out, buffer(space);
    const auto take = [&](std::size_t n) {
        out.insert(out.end(), buffer.begin(), buffer.begin() + static_cast<std::ptrdiff_t>(n));
    };
    while (!content.empty()) {
        const auto made = encoder.encode(content, buffer);
        if (!made) return std::nullopt;
        take(*made);
    }
    while (true) {
        const auto end = encoder.finish(buffer);
        if (!end) return std::nullopt;
        take(end->made);
        if (end->complete) return out;
    }
}

TEST(zstd_encoder, makes_one_frame_whatever_the_space)
{
    parley::testing::seeded_random random{1};
    zstd_encoder encoder{3};
    parley::zstd_decoder decoder;
    for (const std::size_t size : {0u, 1u, 1000u, 300000u}) {
        parley::byte_vector content = random.bytes(size);
        std::fill_n(content.begin(), size / 2, parley::byte{'x'});
        for (const std::size_t space : {1u, 10u, 4096u, 1u << 20}) {
            const auto frame = encoded_in_steps(encoder, content, size, space);
            ASSERT_TRUE(frame);
            decoder.begin(size);
            parley::byte_vector back;
            for (parley::bytes_view left = *frame;;) {
                const auto piece = decoder.decode(left);
                ASSERT_TRUE(piece) << decoder.problem();
                if (piece->empty()) break;
                back.insert(back.end(), piece->begin(), piece->end());
            }
            EXPECT_TRUE(back == content);
            EXPECT_TRUE(decoder.is_complete()) << space;
        }
    }
}

TEST(zstd_encoder, the_windows_of_all_levels_are_taken)
{
    const parley::byte_vector content(100, 'x');
    for (const int level : {zstd_encoder::stored - 1, zstd_encoder::stored, -5, 0, 1, 10, 19, 22, 100}) {
        zstd_encoder encoder{level};
        const auto frame =
            encoded_in_steps(encoder, content, std::numeric_limits<std::uint64_t>::max(), 4096);
        ASSERT_TRUE(frame);
        parley::zstd_decoder decoder;
        decoder.begin(content.size());
        parley::bytes_view left = *frame;
        EXPECT_TRUE(decoder.decode(left)) << level << ": " << decoder.problem();
    }
}

TEST(zstd_encoder, content_of_another_size_than_stated_is_an_error)
{
    const parley::byte_vector content(1000, 'x');
    zstd_encoder encoder{3};
    EXPECT_FALSE(encoded_in_steps(encoder, content, 999, 4096));
    EXPECT_FALSE(encoded_in_steps(encoder, content, 1001, 4096));
    EXPECT_TRUE(encoded_in_steps(encoder, content, 1000, 4096)) << "the next frame is not harmed";
}

} // namespace
} // namespace parley_test
