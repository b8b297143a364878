#include "peer/exit_code.hpp"

#include <gtest/gtest.h>

#include <boost/system/errc.hpp>

#include <csignal>
#include <map>

namespace parley::cli {
namespace {

namespace sys = boost::system::errc;

// What each error means in the middle of things, when the relay was reached long ago.
const std::map<errc, exit_code>& expected()
{
    using enum exit_code;
    static const std::map<errc, exit_code> table{
        {errc::bad_uid_digit, wrong_data},
        {errc::bad_type_digit, wrong_data},
        {errc::unknown_packet_type, wrong_data},
        {errc::identity_unterminated, wrong_data},
        {errc::identity_empty, wrong_data},
        {errc::identity_bad_character, wrong_data},
        {errc::bad_relay_failure_letter, wrong_data},
        {errc::bad_spoke_failure_code, wrong_data},
        {errc::truncated_packet, wrong_data},
        {errc::point_not_on_subgroup, wrong_data},
        {errc::invalid_client_validator, wrong_data},
        {errc::invalid_server_validator, wrong_data},
        {errc::invalid_public_packet, wrong_data},
        {errc::invalid_secret_packet, wrong_data},
        {errc::record_too_long, wrong_data},
        {errc::record_forged, wrong_data},
        {errc::record_layout_impossible, internal},
        {errc::record_sequence_exhausted, internal},
        {errc::crypto_unavailable, internal},
        {errc::version_not_spoken, refused},
        {errc::record_bad_length, connection_lost},
        {errc::record_damaged, connection_lost},
        {errc::closed_by_relay, refused},
        {errc::timed_out_by_relay, timed_out},
        {errc::timed_out, timed_out},
        {errc::refused_by_peer, refused},
        {errc::refused_by_user, refused},
        {errc::peer_disconnected, connection_lost},
        {errc::unexpected_packet, wrong_data},
        {errc::unexpected_end, connection_lost},
        {errc::uid_exhausted, refused},
        {errc::room_absent, timed_out},
        {errc::room_denied, refused},
        {errc::room_bad_answer, wrong_data},
        {errc::queue_overflow, wrong_data},
        {errc::cancelled, interrupted},
        {errc::unconfirmed, unconfirmed},
        {errc::too_many_guesses, guessed},
        {errc::hello_missing, connection_lost},
        {errc::peer_silent, connection_lost},
        {errc::bad_record, wrong_data},
        {errc::protocol_mismatch, wrong_data},
        {errc::aborted_by_peer, connection_lost},
        {errc::pack_bad_signature, wrong_data},
        {errc::pack_bad_version, wrong_data},
        {errc::pack_bad_entry, wrong_data},
        {errc::pack_bad_trailer, wrong_data},
        {errc::pack_truncated, wrong_data},
        {errc::pack_bad_compression, wrong_data},
        {errc::pack_size_mismatch, wrong_data},
        {errc::pack_bad_delta, wrong_data},
        {errc::pack_missing_base, wrong_data},
        {errc::pack_missing_object, wrong_data},
        {errc::pack_bad_tree, wrong_data},
        {errc::pack_bad_root, wrong_data},
        {errc::pack_bad_shape, wrong_data},
        {errc::too_many_entries, wrong_data},
        {errc::document_too_large, wrong_data},
        {errc::tree_too_deep, wrong_data},
        {errc::hostile_name, wrong_data},
        {errc::name_collision, wrong_data},
        {errc::destination_exists, local_file},
        {errc::not_a_document, local_file},
        {errc::document_changed, local_file},
        {errc::no_room, local_file},
        {errc::not_a_file, local_file},
        {errc::entry_not_placed, local_file},
        {errc::document_rule_broken, wrong_data},
        {errc::entry_not_taken, wrong_data},
        {errc::document_differs, wrong_data},
        {errc::cancelled_by_peer, connection_lost},
        {errc::no_room_at_peer, refused},
        {errc::destination_exists_at_peer, refused},
        {errc::file_failed_at_peer, connection_lost},
        {errc::document_changed_at_peer, connection_lost},
        {errc::entry_not_taken_by_peer, incomplete},
        {errc::rule_broken_says_peer, wrong_data},
        {errc::failed_at_peer, connection_lost},
        {errc::bad_address, usage},
        {errc::unknown_transport, usage},
        {errc::name_not_resolved, unreachable},
        {errc::connect_failed, unreachable},
        {errc::tls_failed, connection_lost},
        {errc::upgrade_refused, connection_lost},
        {errc::upgrade_redirected, connection_lost},
        {errc::upgrade_denied, refused},
        {errc::upgrade_not_found, connection_lost},
        {errc::upgrade_required, connection_lost},
        {errc::upgrade_bad_gateway, connection_lost},
        {errc::upgrade_unavailable, connection_lost},
        {errc::names_unavailable, unreachable},
        {errc::bad_framing, wrong_data},
        {errc::proxy_not_resolved, proxy},
        {errc::proxy_unreachable, proxy},
        {errc::proxy_failed, proxy},
        {errc::proxy_refused_credentials, proxy},
        {errc::proxy_refused_destination, proxy},
        {errc::proxy_cannot_connect, unreachable},
    };
    return table;
}

TEST(exit_code, is_known_for_every_error)
{
    int known = 0;
    for (int value = 1; value < 1000; ++value) {
        const error_code error{value, parley_category()};
        if (error.message() == "unknown error") continue;
        ++known;
        const auto found = expected().find(static_cast<errc>(value));
        ASSERT_NE(found, expected().end()) << value << ": " << error.message();
        EXPECT_EQ(exit_code_for(error, session_phase::transferring), found->second) << error.message();
    }
    EXPECT_EQ(known, static_cast<int>(expected().size()));
}

TEST(exit_code, of_a_failed_connection_is_unreachable)
{
    for (const auto value : {sys::connection_refused, sys::host_unreachable, sys::network_unreachable,
                             sys::timed_out, sys::permission_denied})
        EXPECT_EQ(exit_code_for(sys::make_error_code(value), session_phase::connecting),
                  exit_code::unreachable);
    EXPECT_EQ(exit_code_for(errc::timed_out, session_phase::connecting), exit_code::unreachable);
    EXPECT_EQ(exit_code_for(errc::cancelled, session_phase::connecting), exit_code::interrupted);
    EXPECT_EQ(exit_code_for(errc::bad_address, session_phase::connecting), exit_code::usage);
}

TEST(exit_code, of_the_systems_errors)
{
    const auto in_room = [](sys::errc_t value) {
        return exit_code_for(sys::make_error_code(value), session_phase::transferring);
    };
    EXPECT_EQ(in_room(sys::connection_reset), exit_code::connection_lost);
    EXPECT_EQ(in_room(sys::broken_pipe), exit_code::connection_lost);
    EXPECT_EQ(in_room(sys::timed_out), exit_code::connection_lost);
    EXPECT_EQ(in_room(sys::no_space_on_device), exit_code::local_file);
    EXPECT_EQ(in_room(sys::permission_denied), exit_code::local_file);
    EXPECT_EQ(in_room(sys::operation_canceled), exit_code::interrupted);
    EXPECT_EQ(in_room(sys::bad_message), exit_code::internal);
    EXPECT_EQ(exit_code_for(sys::make_error_code(sys::bad_message), session_phase::preparing),
              exit_code::local_file);
    EXPECT_EQ(exit_code_for({}, session_phase::finishing), exit_code::ok);
}

// Whose operation failed decides, not the number.
TEST(exit_code, of_a_file_is_8_whatever_the_number)
{
    for (int number = 1; number < 134; ++number) {
        const error_code error{number, file_category()};
        for (const auto phase :
             {session_phase::preparing, session_phase::transferring, session_phase::finishing})
            EXPECT_EQ(exit_code_for(error, phase), exit_code::local_file) << error.message();
    }
}

TEST(exit_code, of_a_signal_is_what_shells_expect)
{
    EXPECT_EQ(exit_code_for_signal(SIGINT), 130);
    EXPECT_EQ(exit_code_for_signal(SIGTERM), 143);
    EXPECT_EQ(exit_code_for_signal(SIGHUP), 129);
}

} // namespace
} // namespace parley::cli
