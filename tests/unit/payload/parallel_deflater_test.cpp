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
        : own(deflate_engine::create(level)), crew(parallel_deflater::create(level, threads, *own))
    {
    }
    std::unique_ptr<deflate_engine> own;
    std::unique_ptr<parallel_deflater> crew;
};

void add_block(parallel_deflater& crew, bytes_view content, bool last)
{
    std::copy(content.begin(), content.end(), crew.next_block().begin());
    crew.add(content.size(), last);
}

// Takes at most `most` bytes.
void take_some(parallel_deflater& crew, byte_vector& out, std::size_t most)
{
    const bytes_view front = crew.front();
    ASSERT_FALSE(front.empty());
    const std::size_t n = std::min(front.size(), most);
    out.insert(out.end(), front.begin(), front.begin() + static_cast<std::ptrdiff_t>(n));
    crew.take(n);
}

byte_vector deflated(parallel_deflater& crew, std::string_view window, std::string_view content)
{
    crew.begin(as_bytes(window));
    EXPECT_TRUE(crew.empty());
    byte_vector out;
    for (bytes_view left = as_bytes(content); !left.empty() || !crew.empty();) {
        while (!left.empty() && !crew.full()) {
            const bytes_view piece = left.first(std::min(left.size(), block_bytes));
            left = left.subspan(piece.size());
            add_block(crew, piece, left.empty());
        }
        take_some(crew, out, 100'000);
    }
    EXPECT_EQ(crew.content_bytes(), 0u);
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

TEST(DeflateCrew, MakesOneStreamThatDoesNotDependOnTheNumberOfThreads)
{
    const std::string words = wordy_text(12 * block_bytes + 77, 1);
    for (const int level : {1, 4, 5, 6, 9}) {
        for (const std::size_t size : {std::size_t{1}, block_bytes, block_bytes + 1, words.size()}) {
            if (level > 5 && size == words.size()) continue; // this would take too long
            const std::string_view content = std::string_view(words).substr(0, size);
            byte_vector expected;
            for (const unsigned threads : {1u, 2u, 3u, 8u}) {
                const crew_at here(level, threads);
                ASSERT_TRUE(here.crew);
                const byte_vector packed = deflated(*here.crew, {}, content);
                if (threads == 1) {
                    ASSERT_TRUE(inflated(packed, content) == content) << level << ", " << size;
                    expected = packed;
                }
                EXPECT_TRUE(packed == expected) << level << ", " << size << ", " << threads;
                EXPECT_TRUE(deflated(*here.crew, {}, content) == expected) << "the second stream";
            }
        }
    }
}

TEST(DeflateCrew, RefersBackToTheWindowAndAcrossBlocks)
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
            const byte_vector alone = deflated(*here.crew, {}, content);
            EXPECT_TRUE(inflated(alone, content) == content);
            std::size_t separately = 0;
            for (std::size_t i = 0; i < content.size(); i += block_bytes)
                separately += deflated(*here.crew, {}, content.substr(i, block_bytes)).size();
            EXPECT_LT(alone.size() + 4 * noise_bytes / 2, separately) << level;
            const byte_vector rest = deflated(*here.crew, noise(0), content);
            EXPECT_LT(rest.size() + noise_bytes / 2, alone.size()) << level;
        }
    }
}

TEST(DeflateCrew, StoresABlockThatDoesNotShrink)
{
    const std::string content = random_text(4 * block_bytes, 2);
    for (const int level : {1, 4, 5, 6}) {
        const crew_at here(level, 2);
        const byte_vector packed = deflated(*here.crew, {}, content);
        EXPECT_TRUE(inflated(packed, content) == content);
        EXPECT_LE(packed.size(), content.size() + 4 * 9 * 5) << level;
    }
}

TEST(DeflateCrew, SaysWhatABlockCameToWhenNineMoreHaveBeenPutIn)
{
    const std::string content = wordy_text(3 * block_bytes, 3);
    for (const unsigned threads : {1u, 2u, 8u}) {
        const crew_at here(4, threads);
        here.crew->begin({});
        byte_vector out;
        std::size_t first = 0;
        for (unsigned i = 0; i < 12; ++i) {
            while (here.crew->full()) take_some(*here.crew, out, block_bytes);
            if (i == parallel_deflater::max_blocks) {
                EXPECT_EQ(here.crew->packed_bytes_before(), first);
                break;
            }
            EXPECT_EQ(here.crew->packed_bytes_before(), 0u) << i;
            add_block(*here.crew, as_bytes(content).subspan((i % 3) * block_bytes, block_bytes), false);
            if (i == 0) first = here.crew->front().size();
        }
        EXPECT_GT(first, 0u);
    }
}

TEST(DeflateCrew, BeginsAnewWithBlocksInside)
{
    const std::string before = wordy_text(block_bytes, 4), content = wordy_text(4 * block_bytes, 5);
    for (const unsigned threads : {1u, 2u, 8u}) {
        const crew_at here(4, threads), fresh(4, threads);
        here.crew->begin({});
        while (!here.crew->full()) add_block(*here.crew, as_bytes(before), false);
        byte_vector some;
        take_some(*here.crew, some, 10);
        EXPECT_TRUE(deflated(*here.crew, {}, content) == deflated(*fresh.crew, {}, content));
    }
}

TEST(DeflateCrew, WaitsForWhatIsUnderWayAndLeavesNothing)
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
        here.crew->begin({});
        while (!here.crew->full()) add_block(*here.crew, as_bytes(content), false);
        if (i == 1) here.crew->front();
    }
    EXPECT_TRUE(threads_become(before));
}

TEST(DeflateCrew, DeflatesByItselfWhereTheSystemGivesNoThread)
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
    ASSERT_TRUE(here.crew);
    const std::string content = wordy_text(12 * block_bytes, 7);
    const crew_at threads(4, 8);
    EXPECT_TRUE(deflated(*here.crew, {}, content) == deflated(*threads.crew, {}, content));
    pthread_attr_destroy(&usual);
    pthread_attr_destroy(&greedy);
}

} // namespace
} // namespace parley_test
