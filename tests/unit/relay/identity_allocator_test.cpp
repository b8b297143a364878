#include "relay/handshake/identity_allocator.hpp"

#include <gtest/gtest.h>

#include <set>

namespace parley::detail {
namespace {

identity named(std::string_view text)
{
    return *identity::from_text(text);
}

TEST(IdentityBook, KeepsWhatIsFree)
{
    identity_allocator book;
    EXPECT_EQ(book.allocate(named("192.0.2.1:80")), named("192.0.2.1:80"));
    EXPECT_EQ(book.allocate(named("192.0.2.2:80")), named("192.0.2.2:80"));
    EXPECT_EQ(book.allocate(named("[2001:db8::1]:80")), named("[2001:db8::1]:80"));
    book.release(named("192.0.2.1:80"));
    EXPECT_EQ(book.allocate(named("192.0.2.1:80")), named("192.0.2.1:80"));
    EXPECT_EQ(book.size(), 3u);
}

TEST(IdentityBook, GivesAnotherPortToTheSecond)
{
    identity_allocator book;
    std::set<std::string> seen;
    for (int i = 0; i < 1000; ++i) {
        const identity one = book.allocate(named("[2001:db8::1]:80")),
                       two = book.allocate(named("192.0.2.1:0"));
        EXPECT_EQ(one.address(), "2001:db8::1");
        EXPECT_EQ(two.address(), "192.0.2.1");
        EXPECT_TRUE(seen.emplace(one.text()).second);
        EXPECT_TRUE(seen.emplace(two.text()).second);
    }
    EXPECT_FALSE(seen.contains("192.0.2.1:0"));
}

TEST(IdentityBook, AnAddressCanBeFull)
{
    identity_allocator book;
    std::size_t given = 0;
    while (given < 70'000 && !book.allocate(named("192.0.2.1:0")).empty()) ++given;
    EXPECT_GT(given, 60'000u);
    EXPECT_LT(given, 0x10000u);
    EXPECT_FALSE(book.allocate(named("192.0.2.2:0")).empty());
}

TEST(IdentityBook, AnIdentityOfNoAddress)
{
    identity_allocator book;
    EXPECT_EQ(book.allocate(named("somebody")), named("somebody"));
    const identity second = book.allocate(named("somebody"));
    EXPECT_TRUE(second.empty() || second.text().starts_with("somebody:"));
    EXPECT_TRUE(book.allocate(named(std::string(max_identity_bytes, 'x'))).text().size() <=
                max_identity_bytes);
    EXPECT_TRUE(book.allocate(named(std::string(max_identity_bytes, 'x'))).empty());
}

} // namespace
} // namespace parley::detail
