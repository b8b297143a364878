#include <parley/wire/packet.hpp>

#include "samples.hpp"

#include <gtest/gtest.h>

#include <set>

namespace parley {
namespace {

TEST(packet, has_the_alternatives_in_the_order_of_their_types)
{
    const auto all = test::samples();
    ASSERT_EQ(all.size(), 16U);
    for (std::size_t i = 0; i < all.size(); ++i) EXPECT_EQ(all[i].packet.body.index(), i);
}

TEST(packet, is_named_as_the_specification_names_it)
{
    EXPECT_EQ(packet_name(packet::hello_as_a_server{}), "hello_as_a_server");
    EXPECT_EQ(packet_name(packet::new_server{}), "new_server");
    EXPECT_EQ(packet_name(packet::y_and_server_validator{}), "y_and_server_validator");
    EXPECT_EQ(packet_name(packet::relay_failure{}), "relay_failure");
    EXPECT_EQ(packet_name(packet::timeout{}), "timeout");
    std::set<std::string_view> names;
    for (const test::sample& s : test::samples()) names.insert(packet_name(s.packet.body));
    EXPECT_EQ(names.size(), 16U);
}

TEST(packet, spoke_failures_are_errors_and_back)
{
    const std::pair<spoke_failure_kind, errc> all[] = {
        {spoke_failure_kind::point_not_on_subgroup, errc::point_not_on_subgroup},
        {spoke_failure_kind::invalid_client_validator, errc::invalid_client_validator},
        {spoke_failure_kind::invalid_server_validator, errc::invalid_server_validator},
        {spoke_failure_kind::invalid_public_packet, errc::invalid_public_packet},
        {spoke_failure_kind::invalid_secret_packet, errc::invalid_secret_packet},
    };
    for (const auto& [kind, error] : all) {
        EXPECT_EQ(to_errc(kind), error);
        EXPECT_EQ(to_spoke_failure(error), kind);
    }
}

TEST(packet, any_other_error_is_told_as_an_invalid_public_packet)
{
    EXPECT_EQ(to_spoke_failure(error_code{}), spoke_failure_kind::invalid_public_packet);
    // The same number in another category is another error.
    const error_code foreign{static_cast<int>(errc::invalid_secret_packet),
                             boost::system::generic_category()};
    EXPECT_EQ(to_spoke_failure(foreign), spoke_failure_kind::invalid_public_packet);
}

TEST(packet, uids_order_by_number_and_zero_is_the_relay)
{
    EXPECT_EQ(relay_uid, uid{0});
    EXPECT_LT(uid{1}, uid{0xffff});
}

} // namespace
} // namespace parley
