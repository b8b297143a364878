#include <parley/wire/seat_token.hpp>

#include <gtest/gtest.h>

namespace parley {
namespace {

constexpr std::string_view digits = "00112233445566778899aabbccddeeff";

class counting_source final : public random_source {
public:
    void fill(mutable_bytes out) noexcept override
    {
        for (byte& b : out) b = next_++;
    }

private:
    byte next_ = 0xf8;
};

TEST(seat_token, reads_either_case_and_writes_lower_case)
{
    const auto lower = seat_token::from_text(digits);
    const auto upper = seat_token::from_text("00112233445566778899AABBCCDDEEFF");
    ASSERT_TRUE(lower && upper);
    EXPECT_EQ(upper->text(), digits);
    EXPECT_TRUE(*lower == *upper);
    EXPECT_EQ(to_hex(lower->bytes()), digits);
}

TEST(seat_token, takes_32_digits_and_nothing_else)
{
    const std::string good{digits};
    for (const std::string& bad :
         {std::string{}, good.substr(1), good + "0", good + "00", " " + good.substr(1), "0x" + good.substr(2),
          good.substr(1) + "g", "-" + good.substr(1), good.substr(1) + '\0', std::string(32, '\xff')})
        EXPECT_FALSE(seat_token::from_text(bad)) << escaped(bad);
}

TEST(seat_token, differs_in_every_digit)
{
    const seat_token one = seat_token::from_text(digits).value();
    for (std::size_t i = 0; i < digits.size(); ++i) {
        std::string other{digits};
        other[i] = other[i] == '7' ? '8' : '7';
        EXPECT_FALSE(one == seat_token::from_text(other).value()) << i;
    }
}

TEST(seat_token, comes_from_the_source_that_is_given)
{
    counting_source source;
    EXPECT_EQ(seat_token::random(source).text(), "f8f9fafbfcfdfeff0001020304050607");
    EXPECT_EQ(seat_token::random(source).text(), "08090a0b0c0d0e0f1011121314151617");
}

} // namespace
} // namespace parley
