#include "relay/redact_address.hpp"

#include <gtest/gtest.h>

namespace parley::relayd {
namespace {

std::string shown(std::string_view text, log_addresses form)
{
    return redact_address(*identity::from_text(text), form);
}

TEST(redact_address, in_each_form)
{
    EXPECT_EQ(shown("192.0.2.77:4001", log_addresses::full), "192.0.2.77:4001");
    EXPECT_EQ(shown("192.0.2.77:4001", log_addresses::prefix), "192.0.2.0/24");
    EXPECT_EQ(shown("192.0.2.77:4001", log_addresses::none), "-");
    EXPECT_EQ(shown("[2001:db8:1:2::3]:4001", log_addresses::prefix), "2001:db8:1::/48");
    EXPECT_EQ(shown("[::ffff:192.0.2.77]:4001", log_addresses::prefix), "192.0.2.0/24");
    EXPECT_EQ(shown("unix-7", log_addresses::prefix), "unix-7");
    EXPECT_EQ(shown("unix-7", log_addresses::none), "-");
    EXPECT_EQ(redact_address({}, log_addresses::prefix), "");
}

} // namespace
} // namespace parley::relayd
