#include "payload/out/deflater.hpp"

#include "payload/out/parallel_deflater.hpp"
#include "unit/payload/plain_pack.hpp"
#include "unit/payload/sample_files.hpp"
#include "unit/payload/thread_count.hpp"

#include <gmock/gmock.h>

#include <random>

namespace {

using namespace parley;
using namespace parley_test;

// Reads the whole stream in reads of the sizes from `next_size`.
template <class NextSize>
byte_vector deflate_all(deflater& d, std::string_view content, NextSize next_size)
{
    memory_content reader(as_bytes(content));
    d.start(content.size());
    byte_vector out;
    while (!d.finished()) {
        const std::size_t wanted = next_size();
        const std::size_t before = out.size();
        out.resize(before + wanted);
        const result<std::size_t> n = d.read(mutable_bytes(out).subspan(before), reader);
        EXPECT_TRUE(n) << n.error().message();
        if (!n) return {};
        const bool may_be_few = content.size() >= deflater::content_bytes_per_read;
        EXPECT_TRUE(*n == wanted || d.finished() || (may_be_few && *n > 0));
        out.resize(before + *n);
    }
    EXPECT_EQ(d.content_bytes_taken(), content.size());
    return out;
}

byte_vector deflate_all(deflater& d, std::string_view content)
{
    return deflate_all(d, content, [] { return 10'000; });
}

std::string inflated(const byte_vector& packed, std::size_t size)
{
    bytes_view in = packed;
    const byte_vector out = plain_inflate(in, size);
    EXPECT_TRUE(in.empty());
    return std::string(as_text(out));
}

std::string hex(std::string_view content, compression method, int level = 4)
{
    deflater d(method, level);
    return to_hex(deflate_all(d, content));
}

TEST(Deflater, StoresByteExactly)
{
    EXPECT_EQ(hex("", compression::never), "7801010000ffff00000001");
    EXPECT_EQ(hex("a", compression::never), "7801010100feff6100620062");
    EXPECT_EQ(hex("Hello World!\n", compression::never), "7801010d00f2ff48656c6c6f20576f726c64210a20910448");
}

TEST(Deflater, DeflatesAsTheFormatsExamplesDo)
{
    EXPECT_EQ(hex("", compression::always), "785e030000000001");
    EXPECT_EQ(hex("", compression::sampled), "785e030000000001");
    EXPECT_EQ(hex("Hello World!\n", compression::always), "785ef348cdc9c95708cf2fca4951e40200"
                                                          "20910448");
}

TEST(Deflater, SaysInItsHeaderHowHardItTried)
{
    for (const auto& [level, header] : {std::pair{1, "7801"},
                                        {2, "785e"},
                                        {5, "785e"},
                                        {6, "789c"},
                                        {7, "78da"},
                                        {9, "78da"},
                                        {0, "7801"},
                                        {100, "78da"}})
        EXPECT_EQ(hex("aaaaaaaaaaaaaaaaaaaaaaaaaaaa", compression::always, level).substr(0, 4), header)
            << level;
}

TEST(Deflater, CutsStoredBlocksAt65535Bytes)
{
    for (const std::size_t size : {65534u, 65535u, 65536u, 131070u, 131071u, 200'000u}) {
        const std::string content = random_text(size, 1);
        deflater d(compression::never, 4);
        const byte_vector packed = deflate_all(d, content);
        EXPECT_EQ(packed.size(), 2 + size + 5 * ((size + 65534) / 65535) + 4);
        EXPECT_EQ(inflated(packed, size), content);
    }
}

TEST(Deflater, RoundTripsWhateverTheSizesOfContentAndReads)
{
    std::mt19937 random(7);
    for (const compression method : {compression::sampled, compression::always, compression::never}) {
        deflater d(method, 4);
        for (const std::size_t size : {0u, 1u, 2u, 100u, 511u, 512u, 513u, 16'384u, 65'535u, 65'536u, 65'537u,
                                       70'000u, 1'114'112u, 1'114'113u, 3'000'000u}) {
            for (const std::string& content :
                 {random_text(size, 3), wordy_text(size, 3), std::string(size, '\0')}) {
                const byte_vector packed = deflate_all(d, content, [&] { return 1 + random() % 9'000; });
                ASSERT_EQ(inflated(packed, size), content)
                    << size << " bytes, method " << static_cast<int>(method);
            }
        }
    }
}

TEST(Deflater, TheStreamDoesNotDependOnTheSizesOfReads)
{
    const std::string content = wordy_text(300'000, 1) + random_text(300'000, 2);
    deflater d(compression::sampled, 4);
    const byte_vector expected = deflate_all(d, content);
    for (const std::size_t size : {1u, 2u, 3u, 64u, 65'536u, 5'000'000u})
        EXPECT_EQ(deflate_all(d, content, [size] { return size; }), expected) << size;
}

TEST(Deflater, TheStreamDoesNotDependOnTheNumberOfThreads)
{
    const std::size_t part = 12u << 20;
    const std::string words = wordy_text(part, 1), noise = random_text(part, 2);
    std::mt19937 random(3);
    // The second and third contents switch with blocks under way, and again after stored ones.
    for (const std::string& content : {words, words + noise + words, noise + words + noise, noise}) {
        for (const compression method : {compression::sampled, compression::always}) {
            deflater inline_(method, 4, 1);
            const byte_vector expected = deflate_all(inline_, content);
            ASSERT_TRUE(inflated(expected, content.size()) == content);
            for (const unsigned threads : {2u, 3u, 8u, 1000u, 0u}) {
                deflater d(method, 4, threads);
                EXPECT_TRUE(deflate_all(d, content, [&] { return 1 + random() % 900'000; }) == expected)
                    << threads;
            }
        }
    }
}

TEST(Deflater, ThreadsServeEveryLevel)
{
    const std::string content = wordy_text((4u << 20) + 1, 5);
    for (const int level : {1, 5, 6, 9}) {
        deflater inline_(compression::always, level, 1), d(compression::always, level, 3);
        const byte_vector packed = deflate_all(d, content);
        EXPECT_TRUE(inflated(packed, content.size()) == content);
        EXPECT_TRUE(deflate_all(inline_, content) == packed) << level;
    }
}

TEST(Deflater, MakesThreadsForLongContentsThatShrinkAlone)
{
    const auto before = thread_count();
    deflater d(compression::sampled, 4, 3);
    const std::string noise = random_text(12u << 20, 1), words = wordy_text(12u << 20, 1);
    deflate_all(d, noise);
    deflate_all(d, words.substr(0, 5u << 20));
    EXPECT_EQ(thread_count(), before);
    deflate_all(d, words);
    EXPECT_EQ(thread_count(), before + 3);
    deflate_all(d, words);
    EXPECT_EQ(thread_count(), before + 3);
    d = deflater(compression::sampled, 4, 1);
    EXPECT_TRUE(threads_become(before));
    deflate_all(d, words);
    EXPECT_EQ(thread_count(), before);
}

TEST(Deflater, EndsInTheMiddleOfBlocks)
{
    const auto before = thread_count();
    const std::string words = wordy_text(20u << 20, 1);
    for (const unsigned threads : {1u, 3u, 8u}) {
        deflater d(compression::sampled, 4, threads);
        memory_content content(as_bytes(words));
        d.start(words.size());
        byte_vector out(1'500'000);
        ASSERT_TRUE(d.read(out, content));
        EXPECT_GT(d.content_bytes_taken(), 1'000'000u);
    }
    EXPECT_TRUE(threads_become(before));
}

TEST(Deflater, CountsWhatIsInBlocksWhenTheyWereRead)
{
    const std::string words = wordy_text(12u << 20, 1);
    for (const unsigned threads : {1u, 8u}) {
        deflater d(compression::sampled, 4, threads);
        memory_content content(as_bytes(words));
        d.start(words.size());
        z_stream stream{};
        ASSERT_EQ(inflateInit(&stream), Z_OK);
        byte_vector packed(50'000), out(5'000'000);
        while (!d.finished()) {
            const auto n = d.read(packed, content);
            ASSERT_TRUE(n);
            stream.next_in = packed.data();
            stream.avail_in = static_cast<uInt>(*n);
            stream.next_out = out.data();
            stream.avail_out = static_cast<uInt>(out.size());
            inflate(&stream, Z_SYNC_FLUSH);
            ASSERT_EQ(stream.avail_in, 0u);
            if (stream.total_out < 3u << 20) continue; // not yet in blocks
            EXPECT_LE(d.content_bytes_taken(), stream.total_out);
            EXPECT_GE(d.content_bytes_taken() + parallel_deflater::block_bytes, stream.total_out);
        }
        EXPECT_EQ(stream.total_out, words.size());
        inflateEnd(&stream);
    }
}

TEST(Deflater, SampledStoresWhatDoesNotShrink)
{
    for (const std::size_t size : {20u, 1000u, 65'536u, 100'000u, 9'000'000u}) {
        deflater d(compression::sampled, 4);
        const std::string content = random_text(size, 9);
        const byte_vector packed = deflate_all(d, content);
        EXPECT_EQ(inflated(packed, size), content);
        EXPECT_LE(packed.size(), 2 + size + 5 * (size / 65535 + 2 + size / (8u << 20)) + 4);
    }
}

TEST(Deflater, SampledDeflatesWhatShrinks)
{
    for (const std::size_t size : {100u, 1000u, 65'536u, 100'000u, 5'000'000u}) {
        const std::string content = wordy_text(size, 9);
        deflater sampled(compression::sampled, 4);
        deflater always(compression::always, 4);
        const std::size_t packed = deflate_all(sampled, content).size();
        EXPECT_LT(packed, size * 9 / 10);
        EXPECT_LE(packed, deflate_all(always, content).size() + 100);
    }
}

TEST(Deflater, SampledChangesItsMindWhereTheContentChanges)
{
    const std::size_t part = 12u << 20;
    for (const bool words_first : {true, false}) {
        const std::string words = wordy_text(part, 1);
        const std::string noise = random_text(part, 2);
        const std::string content = words_first ? words + noise + words : noise + words + noise;
        deflater d(compression::sampled, 4);
        const byte_vector packed = deflate_all(d, content, [] { return 32'768; });
        ASSERT_EQ(inflated(packed, content.size()), content);
        // Words shrink to about a third. At most 8 MiB of them were stored before the change was noticed.
        const std::size_t words_total = words_first ? 2 * part : part;
        const std::size_t noise_total = content.size() - words_total;
        EXPECT_LT(packed.size(),
                  noise_total + noise_total / 500 + (8u << 20) + (words_total - (8u << 20)) / 2);
    }
}

TEST(Deflater, StoresForSpeedWhatItWouldHaveDeflated)
{
    const std::string words = wordy_text(100'000, 3);
    deflater d(compression::sampled, 4);
    d.prefer_speed(true);
    EXPECT_EQ(to_hex(deflate_all(d, words)), hex(words, compression::never));
    d.prefer_speed(false);
    EXPECT_EQ(to_hex(deflate_all(d, words)), hex(words, compression::sampled));

    deflater all(compression::always, 4);
    all.prefer_speed(true);
    EXPECT_EQ(to_hex(deflate_all(all, words)), hex(words, compression::always));
}

TEST(Deflater, PreferSpeedMayChangeWithinAContent)
{
    const std::string words = wordy_text(30u << 20, 4);
    for (const unsigned threads : {1u, 3u}) {
        deflater d(compression::sampled, 4, threads);
        std::size_t read = 0;
        const byte_vector packed = deflate_all(d, words, [&] {
            const std::uint64_t taken = d.content_bytes_taken();
            d.prefer_speed(taken > (2u << 20) && taken < (9u << 20));
            return std::size_t{++read % 3 == 0 ? 1000u : 100'000u};
        });
        ASSERT_TRUE(inflated(packed, words.size()) == words);
        // Stretches of 1, 2 and 4 MiB are stored, and then one of 8 MiB that began before `prefer_speed`
        // ended.
        EXPECT_GT(packed.size(), 7u << 20);
        EXPECT_LT(packed.size(), (15u << 20) + (15u << 20) / 2);
    }
}

TEST(Deflater, PreferSpeedThatEndsBeforeTheBlocksAreOutChangesNothing)
{
    const std::string words = wordy_text(16u << 20, 4);
    deflater calm(compression::sampled, 4, 3), hasty(compression::sampled, 4, 3);
    std::size_t read = 0;
    const byte_vector packed = deflate_all(hasty, words, [&] {
        // Some of three or four blocks, each of which deflates to 150 KiB or more.
        hasty.prefer_speed(hasty.content_bytes_taken() > (3u << 20) && ++read % 20 == 0);
        return 10'000u;
    });
    EXPECT_GT(read, 100u);
    EXPECT_TRUE(packed == deflate_all(calm, words));
}

TEST(Deflater, AFailingContentFailsTheReadWithItsError)
{
    struct failing final : content_reader {
        std::uint64_t good;
        explicit failing(std::uint64_t n) : good(n) {}
        error_code read(mutable_bytes out) override
        {
            if (out.size() > good) return errc::document_changed;
            good -= out.size();
            std::fill(out.begin(), out.end(), byte{1});
            return {};
        }
    };
    const auto expect_failure = [](deflater& d, std::uint64_t size, std::uint64_t good) {
        d.start(size);
        failing content(good);
        byte_vector out(50'000);
        error_code error;
        for (int i = 0; i < 1000 && !error; ++i) {
            const auto n = d.read(out, content);
            if (!n) error = n.error();
        }
        EXPECT_EQ(error, errc::document_changed);
        EXPECT_FALSE(d.finished());

        // The next stream starts clean.
        EXPECT_EQ(inflated(deflate_all(d, "next"), 4), "next");
    };
    for (const compression method : {compression::sampled, compression::always, compression::never}) {
        for (const std::uint64_t good : {0u, 70'000u, 300'000u}) {
            deflater d(method, 4);
            expect_failure(d, 1'000'000, good);
        }
    }
    const std::string words = wordy_text(8u << 20, 1);
    deflater fresh(compression::sampled, 4);
    const byte_vector expected = deflate_all(fresh, words);
    for (const unsigned threads : {1u, 2u, 8u}) {
        deflater d(compression::sampled, 4, threads);
        for (const std::uint64_t good : {1'200'000u, 2'000'000u, 7'000'000u}) {
            expect_failure(d, 20'000'000, good);
            EXPECT_TRUE(deflate_all(d, words) == expected) << threads << ", " << good;
        }
    }
}

TEST(Deflater, NeverTakesMoreThanTheAnnouncedSize)
{
    for (const compression method : {compression::sampled, compression::always, compression::never}) {
        const std::string content = wordy_text(200'000, 4);
        memory_content reader(as_bytes(content));
        deflater d(method, 4);
        d.start(150'000);
        byte_vector out(400'000);
        const auto n = d.read(out, reader);
        ASSERT_TRUE(n);
        EXPECT_TRUE(d.finished());
        out.resize(*n);
        EXPECT_EQ(inflated(out, 150'000), content.substr(0, 150'000));
        byte_vector rest(50'000);
        EXPECT_FALSE(reader.read(rest));
        EXPECT_EQ(reader.read(mutable_bytes(rest).first(1)), errc::document_changed);
    }
}

// Zeros become a thousandth. What there is goes out all the same, so that no reader waits for gigabytes.
TEST(Deflater, HandsOutFewBytesOfMuchContent)
{
    const std::string zeros(64u << 20, '\0');
    for (const int level : {4, 9}) {
        for (const compression method : {compression::sampled, compression::always}) {
            deflater d(method, level);
            memory_content reader(as_bytes(zeros));
            d.start(zeros.size());
            byte_vector out(1u << 20);
            std::uint64_t taken = 0;
            while (!d.finished()) {
                const auto n = d.read(out, reader);
                ASSERT_TRUE(n);
                EXPECT_GT(*n, 0u);
                EXPECT_LE(d.content_bytes_taken() - taken, deflater::content_bytes_per_read + (5u << 20));
                taken = d.content_bytes_taken();
            }
        }
    }
}

} // namespace
