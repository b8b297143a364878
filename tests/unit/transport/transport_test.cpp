#include <parley/transport/transport.hpp>

#include <gtest/gtest.h>

namespace parley {
namespace {

TEST(transport_test, an_unknown_scheme_has_none)
{
    EXPECT_EQ(find_transport("carrier-pigeon"), nullptr);
    EXPECT_EQ(find_transport(""), nullptr);
    EXPECT_EQ(find_transport("TCP"), nullptr) << "schemes are compared in lower case";
}

TEST(transport_test, a_program_adds_and_replaces_its_own)
{
    static constexpr transport first{"test-added", 1, 2, nullptr, nullptr};
    static constexpr transport second{"test-added", 3, 3, nullptr, nullptr};
    const std::size_t before = transports().size();
    register_transport(first);
    EXPECT_EQ(find_transport("test-added"), &first);
    register_transport(second);
    EXPECT_EQ(find_transport("test-added"), &second);
    EXPECT_EQ(transports().size(), before + 1);
}

} // namespace
} // namespace parley
