#include "payload/out/parallel_deflater.hpp"

#include "unit/payload/plain_pack.hpp"
#include "unit/payload/sample_files.hpp"
#include "unit/payload/thread_count.hpp"

#include <gtest/gtest.h>
#include <pthread.h>
#include <zlib.h>

namespace parley_test {
namespace {

using parley::as_bytes;
using parley::as_text;
using parley::deflate_engine;
using parley::parallel_deflater;

constexpr std::size_t block_bytes = parallel_deflater::block_bytes;

// A parallel_deflater and the engine that it borrows.
struct crew_at {
    crew_at(int level, unsigned threads)
        : own(deflate_engine::create(level)), blocks(parallel_deflater::create(level, threads, *own))
    {
    }
    std::unique_ptr<deflate_engine> own;
    std::unique_ptr<parallel_deflater> blocks;
};

void add_block(parallel_deflater& blocks, bytes_view content, bool last)
{
    std::copy(content.begin(), content.end(), blocks.next_block().begin());
    blocks.add(content.size(), last);
}

// Takes at most `most` bytes.
void take_some(parallel_deflater& blocks, byte_vector& out, std::size_t most)
{
    const bytes_view front = blocks.front();
    ASSERT_FALSE(front.empty());
    const std::size_t n = std::min(front.size(), most);
    out.insert(out.end(), front.begin(), front.begin() + static_cast<std::ptrdiff_t>(n));
    blocks.take(n);
}

byte_vector deflated(parallel_deflater& blocks, std::string_view window, std::string_view content)
{
    blocks.begin(as_bytes(window));
    EXPECT_TRUE(blocks.empty());
    byte_vector out;
    for (bytes_view left = as_bytes(content); !left.empty() || !blocks.empty();) {
        while (!left.empty() && !blocks.full()) {
            const bytes_view piece = left.first(std::min(left.size(), block_bytes));
            left = left.subspan(piece.size());
            add_block(blocks, piece, left.empty());
        }
        take_some(blocks, out, 100'000);
    }
    EXPECT_EQ(blocks.content_bytes(), 0u);
    return out;
}

// Inflates the raw stream with zlib. The result is as long as `content`.
std::string inflated(const byte_vector& raw, std::string_view content)
{
    byte_vector stream{0x78, 0x01};
    stream.insert(stream.end(), raw.begin(), raw.end());
    stream.resize(stream.size() + 4);
    const auto sum = ::adler32_z(1, as_bytes(content).data(), content.size());
    parley::store_be(stream.data() + stream.size() - 4, static_cast<std::uint32_t>(sum));
    bytes_view in = stream;
    const byte_vector out = plain_inflate(in, content.size());
    EXPECT_TRUE(in.empty());
    return std::string(as_text(out));
}

TEST(ParallelDeflater, MakesOneStreamThatDoesNotDependOnTheNumberOfThreads)
{
    const std::string words = wordy_text(12 * block_bytes + 77, 1);
    for (const int level : {1, 4, 5, 6, 9}) {
        for (const std::size_t size : {std::size_t{1}, block_bytes, block_bytes + 1, words.size()}) {
            if (level > 5 && size == words.size()) continue; // this would take too long
            const std::string_view content = std::string_view(words).substr(0, size);
            byte_vector expected;
            for (const unsigned threads : {1u, 2u, 3u, 8u}) {
                const crew_at here(level, threads);
                ASSERT_TRUE(here.blocks);
                const byte_vector packed = deflated(*here.blocks, {}, content);
                if (threads == 1) {
                    ASSERT_TRUE(inflated(packed, content) == content) << level << ", " << size;
                    expected = packed;
                }
                EXPECT_TRUE(packed == expected) << level << ", " << size << ", " << threads;
                EXPECT_TRUE(deflated(*here.blocks, {}, content) == expected) << "the second stream";
            }
        }
    }
}

TEST(ParallelDeflater, RefersBackToTheWindowAndAcrossBlocks)
{
    constexpr std::size_t noise_bytes = 4096;
    const auto noise = [](unsigned i) { return random_text(noise_bytes, i); };
    std::string content;
    for (unsigned i = 0; i < 5; ++i)
        content += noise(i) + std::string(block_bytes - 2 * noise_bytes, '-') + noise(i + 1);
    for (const int level : {1, 4, 5, 6}) {
        for (const unsigned threads : {1u, 3u}) {
            const crew_at here(level, threads);
            // Four of ten pieces of noise are on both sides of a cut, and a fifth is in the window.
            const byte_vector alone = deflated(*here.blocks, {}, content);
            EXPECT_TRUE(inflated(alone, content) == content);
            std::size_t separately = 0;
            for (std::size_t i = 0; i < content.size(); i += block_bytes)
                separately += deflated(*here.blocks, {}, content.substr(i, block_bytes)).size();
            EXPECT_LT(alone.size() + 4 * noise_bytes / 2, separately) << level;
            const byte_vector rest = deflated(*here.blocks, noise(0), content);
            EXPECT_LT(rest.size() + noise_bytes / 2, alone.size()) << level;
        }
    }
}

TEST(ParallelDeflater, StoresABlockThatDoesNotShrink)
{
    const std::string content = random_text(4 * block_bytes, 2);
    for (const int level : {1, 4, 5, 6}) {
        const crew_at here(level, 2);
        const byte_vector packed = deflated(*here.blocks, {}, content);
        EXPECT_TRUE(inflated(packed, content) == content);
        EXPECT_LE(packed.size(), content.size() + 4 * 9 * 5) << level;
    }
}

TEST(ParallelDeflater, SaysWhatABlockCameToWhenNineMoreHaveBeenPutIn)
{
    const std::string content = wordy_text(3 * block_bytes, 3);
    for (const unsigned threads : {1u, 2u, 8u}) {
        const crew_at here(4, threads);
        here.blocks->begin({});
        byte_vector out;
        std::size_t first = 0;
        for (unsigned i = 0; i < 12; ++i) {
            while (here.blocks->full()) take_some(*here.blocks, out, block_bytes);
            if (i == parallel_deflater::max_blocks) {
                EXPECT_EQ(here.blocks->packed_bytes_before(), first);
                break;
            }
            EXPECT_EQ(here.blocks->packed_bytes_before(), 0u) << i;
            add_block(*here.blocks, as_bytes(content).subspan((i % 3) * block_bytes, block_bytes), false);
            if (i == 0) first = here.blocks->front().size();
        }
        EXPECT_GT(first, 0u);
    }
}

TEST(ParallelDeflater, BeginsAnewWithBlocksInside)
{
    const std::string before = wordy_text(block_bytes, 4), content = wordy_text(4 * block_bytes, 5);
    for (const unsigned threads : {1u, 2u, 8u}) {
        const crew_at here(4, threads), fresh(4, threads);
        here.blocks->begin({});
        while (!here.blocks->full()) add_block(*here.blocks, as_bytes(before), false);
        byte_vector some;
        take_some(*here.blocks, some, 10);
        EXPECT_TRUE(deflated(*here.blocks, {}, content) == deflated(*fresh.blocks, {}, content));
    }
}

TEST(ParallelDeflater, WaitsForWhatIsUnderWayAndLeavesNothing)
{
    const auto before = thread_count();
    const std::string content = wordy_text(block_bytes, 6);
    {
        const crew_at one(9, 1);
        EXPECT_EQ(thread_count(), before);
    }
    for (int i = 0; i < 3; ++i) {
        const crew_at here(4, 3);
        EXPECT_EQ(thread_count(), before + 3);
        here.blocks->begin({});
        while (!here.blocks->full()) add_block(*here.blocks, as_bytes(content), false);
        if (i == 1) here.blocks->front();
    }
    EXPECT_TRUE(threads_become(before));
}

TEST(ParallelDeflater, DeflatesByItselfWhereTheSystemGivesNoThread)
{
    const auto before = thread_count();
    // No stack can be that large.
    pthread_attr_t usual, greedy;
    ASSERT_EQ(pthread_getattr_default_np(&usual), 0);
    ASSERT_EQ(pthread_getattr_default_np(&greedy), 0);
    ASSERT_EQ(pthread_attr_setstacksize(&greedy, std::size_t{1} << 50), 0);
    ASSERT_EQ(pthread_setattr_default_np(&greedy), 0);
    const crew_at here(4, 8);
    EXPECT_EQ(pthread_setattr_default_np(&usual), 0);
    EXPECT_EQ(thread_count(), before);
    ASSERT_TRUE(here.blocks);
    const std::string content = wordy_text(12 * block_bytes, 7);
    const crew_at threads(4, 8);
    EXPECT_TRUE(deflated(*here.blocks, {}, content) == deflated(*threads.blocks, {}, content));
    pthread_attr_destroy(&usual);
    pthread_attr_destroy(&greedy);
}

} // namespace
} // namespace parley_test
