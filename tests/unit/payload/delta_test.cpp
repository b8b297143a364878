#include "payload/in/delta.hpp"
#include "support/pack_builder.hpp"
#include "unit/payload/sample_files.hpp"

#include <gtest/gtest.h>

namespace parley_test {
namespace {

using parley::delta_parser;
using parley::errc;
using parley::error_code;

// Applies a delta in memory.
struct applied final : parley::delta_sink {
    explicit applied(std::string from) : base(std::move(from)) {}
    error_code sizes(std::uint64_t base_bytes, std::uint64_t result_bytes) override
    {
        announced_base = base_bytes;
        announced_result = result_bytes;
        return refuse ? make_error_code(errc::document_too_large) : error_code();
    }
    error_code copy(std::uint64_t offset, std::uint64_t length) override
    {
        EXPECT_LE(offset + length, announced_base);
        result += base.substr(offset, length);
        return {};
    }
    error_code insert(parley::bytes_view bytes) override
    {
        result += parley::as_text(bytes);
        return {};
    }

    std::string base;
    std::string result;
    std::uint64_t announced_base = 0;
    std::uint64_t announced_result = 0;
    bool refuse = false;
};

error_code apply(applied& sink, std::string_view delta, std::size_t piece)
{
    delta_parser parser;
    while (!delta.empty()) {
        const std::string_view next = delta.substr(0, piece);
        if (const error_code error = parser.write(parley::as_bytes(next), sink)) {
            EXPECT_TRUE(sink.refuse || !parser.problem().empty());
            return error;
        }
        delta.remove_prefix(next.size());
    }
    const error_code error = parser.finish();
    EXPECT_EQ(static_cast<bool>(error), !parser.problem().empty());
    return error;
}

TEST(Delta, applies_in_any_split)
{
    const std::string base = wordy_text(200'000, 1);
    delta_text delta(base.size(), 3 + 0x10000 + 0xfffe + 1 + 300);
    delta.insert("abc")
        .copy(1, 0x10000)
        .copy(0x10203, 0xfffe)
        .copy(base.size() - 1, 1)
        .insert(std::string(300, 'x'));
    const std::string expected = "abc" + base.substr(1, 0x10000) + base.substr(0x10203, 0xfffe) +
                                 base.substr(base.size() - 1) + std::string(300, 'x');
    for (std::size_t piece = 1; piece <= delta.text().size(); piece += 7) {
        applied sink(base);
        ASSERT_EQ(apply(sink, delta.text(), piece), error_code()) << piece;
        EXPECT_TRUE(sink.result == expected);
        EXPECT_EQ(sink.announced_base, base.size());
        EXPECT_EQ(sink.announced_result, expected.size());
    }
}

TEST(Delta, a_copy_without_arguments_is_the_base_s_first_64_kib)
{
    const std::string base(70'000, 'b');
    applied sink(base);
    delta_text delta(base.size(), 0x10000);
    delta.raw("\x80");
    EXPECT_EQ(apply(sink, delta.text(), 1), error_code());
    EXPECT_EQ(sink.result.size(), 0x10000u);
}

TEST(Delta, an_empty_result_needs_no_instruction)
{
    applied sink("base");
    EXPECT_EQ(apply(sink, delta_text(4, 0).text(), 1), error_code());
}

TEST(Delta, random_deltas_make_their_targets)
{
    std::minstd_rand random(3);
    for (int round = 0; round < 200; ++round) {
        const std::string base = wordy_text(random() % 3000, static_cast<unsigned>(random()));
        std::string target = base;
        for (int i = 0; i < 3; ++i) {
            const std::size_t at = random() % (target.size() + 1);
            const std::size_t cut = std::min<std::size_t>(random() % 50, target.size() - at);
            target.replace(at, cut, wordy_text(random() % 300, static_cast<unsigned>(random())));
        }
        applied sink(base);
        ASSERT_EQ(apply(sink, make_delta(base, target), 1 + random() % 100), error_code());
        EXPECT_TRUE(sink.result == target);
    }
}

TEST(Delta, refuses_what_no_rule_allows)
{
    const std::string base = "0123456789";
    const std::uint64_t n = base.size();
    const std::pair<const char*, std::string> bad[] = {
        {"nothing", ""},
        {"half a size", "\x8a"},
        {"one size", "\x0a"},
        {"copy past the end", delta_text(n, 20).copy(5, 6).text()},
        {"copy behind the end", delta_text(n, 20).copy(11, 1).text()},
        {"copy of 64 KiB", delta_text(n, 1 << 20).copy(0, 0x10000).text()},
        {"copies more than announced", delta_text(n, 4).copy(0, 5).text()},
        {"inserts more than announced", delta_text(n, 4).insert("abcde").text()},
        {"both together", delta_text(n, 4).insert("abc").copy(0, 2).text()},
        {"makes less", delta_text(n, 4).insert("abc").text()},
        {"reserved", delta_text(n, 4).raw(std::string(1, '\0')).text()},
        {"cut insert", delta_text(n, 4).raw("\4abc").text()},
        {"cut copy", delta_text(n, 4).raw("\x91\1").text()},
        {"size above 64 bits", std::string(10, '\xff') + "\x01\x01"},
        {"result above 64 bits", "\x0a" + std::string(9, '\xff') + "\x7f"},
    };
    for (const auto& [name, delta] : bad) {
        for (const std::size_t piece : {std::size_t{1}, std::size_t{100}}) {
            applied sink(base);
            EXPECT_EQ(apply(sink, delta, piece), errc::pack_bad_delta) << name;
        }
    }
}

TEST(Delta, hands_on_what_its_sink_says)
{
    applied sink("base");
    sink.refuse = true;
    EXPECT_EQ(apply(sink, delta_text(4, 4).copy(0, 4).text(), 1), errc::document_too_large);
    EXPECT_EQ(sink.result, "");
}

} // namespace
} // namespace parley_test
