#include <parley/base/secret.hpp>

#include <gtest/gtest.h>

#include <new>
#include <type_traits>

namespace parley {
namespace {

static_assert(!std::is_copy_constructible_v<secret_array<4>> && !std::is_copy_assignable_v<secret_array<4>>);
static_assert(!std::is_copy_constructible_v<secret_bytes> && !std::is_copy_assignable_v<secret_bytes>);
static_assert(std::is_nothrow_move_constructible_v<secret_array<4>> &&
              std::is_nothrow_move_assignable_v<secret_array<4>>);
static_assert(std::is_nothrow_move_constructible_v<secret_bytes> &&
              std::is_nothrow_move_assignable_v<secret_bytes>);

constexpr std::array<byte, 4> four = {1, 2, 3, 4};

TEST(wipe, overwrites_with_zeros)
{
    byte_vector bytes(100, 7);
    wipe(mutable_bytes{bytes}.first(99));
    EXPECT_EQ(std::count(bytes.begin(), bytes.end(), 0), 99);
    EXPECT_EQ(bytes.back(), 7);
    wipe({});
}

TEST(equal_in_constant_time, compares_every_byte)
{
    const byte_vector a(64, 9);
    EXPECT_TRUE(equal_in_constant_time(a, byte_vector(64, 9)));
    EXPECT_TRUE(equal_in_constant_time({}, {}));
    EXPECT_FALSE(equal_in_constant_time(a, byte_vector(63, 9)));
    EXPECT_FALSE(equal_in_constant_time(a, {}));
    for (std::size_t i = 0; i < a.size(); ++i)
        for (int bit = 0; bit < 8; ++bit) {
            byte_vector b = a;
            b[i] = static_cast<byte>(b[i] ^ (1 << bit));
            EXPECT_FALSE(equal_in_constant_time(a, b)) << i;
        }
    // Differences that cancel out under XOR are still differences.
    byte_vector b = a;
    b[0] = static_cast<byte>(b[0] ^ 1);
    b[1] = static_cast<byte>(b[1] ^ 1);
    EXPECT_FALSE(equal_in_constant_time(a, b));
}

TEST(secret_array, begins_as_zeros_and_holds_what_it_is_given)
{
    EXPECT_EQ(to_hex(secret_array<4>{}.view()), "00000000");
    const secret_array<4> secret{four};
    EXPECT_EQ(to_hex(secret.view()), "01020304");
    EXPECT_EQ(secret_array<4>::size(), 4U);
}

TEST(secret_array, is_wiped_when_moved_from)
{
    secret_array<4> a{four};
    secret_array<4> b{std::move(a)};
    EXPECT_EQ(to_hex(a.view()), "00000000");
    EXPECT_EQ(to_hex(b.view()), "01020304");
    secret_array<4> c;
    c = std::move(b);
    EXPECT_EQ(to_hex(b.view()), "00000000");
    EXPECT_EQ(to_hex(c.view()), "01020304");
    secret_array<4>& same = c;
    c = std::move(same);
    EXPECT_EQ(to_hex(c.view()), "01020304");
    c.clear();
    EXPECT_EQ(to_hex(c.view()), "00000000");
}

TEST(secret_array, is_wiped_on_destruction)
{
    alignas(secret_array<4>) byte storage[sizeof(secret_array<4>)];
    auto* secret = new (storage) secret_array<4>{four};
    ASSERT_EQ(to_hex(secret->view()), "01020304");
    secret->~secret_array();
    EXPECT_EQ(to_hex(storage), "00000000");
}

TEST(secret_array, is_copied_only_by_name)
{
    const secret_array<4> a{four};
    secret_array<4> b = a.duplicate();
    b.data()[0] = 9;
    EXPECT_EQ(to_hex(a.view()), "01020304");
    EXPECT_EQ(to_hex(b.view()), "09020304");
}

TEST(secret_bytes, holds_any_length)
{
    EXPECT_TRUE(secret_bytes{}.empty());
    EXPECT_TRUE(secret_bytes{std::string_view{}}.empty());
    const secret_bytes secret{std::string_view{"pass\0word", 9}};
    EXPECT_EQ(secret.size(), 9U);
    EXPECT_EQ(secret.text(), (std::string_view{"pass\0word", 9}));
    EXPECT_EQ(secret.duplicate().text(), secret.text());
    EXPECT_NE(secret.duplicate().view().data(), secret.view().data());
}

TEST(secret_bytes, moves_without_a_copy_and_leaves_nothing)
{
    secret_bytes a{std::string_view{"one"}};
    const byte* where = a.view().data();
    secret_bytes b{std::move(a)};
    EXPECT_TRUE(a.empty());
    EXPECT_TRUE(a.view().data() == nullptr);
    EXPECT_EQ(b.view().data(), where);
    secret_bytes c{std::string_view{"two, longer"}};
    c = std::move(b);
    EXPECT_TRUE(b.empty());
    EXPECT_EQ(b.text(), "");
    EXPECT_EQ(c.text(), "one");
    secret_bytes& same = c;
    c = std::move(same);
    EXPECT_EQ(c.text(), "one");
}

} // namespace
} // namespace parley
