#include <parley/base/error.hpp>

#include <boost/system/errc.hpp>

namespace parley {
namespace {

struct description {
    errc code;
    condition cause;
    const char* text;
};

// The one table: what each error says and whose fault it is.
constexpr description descriptions[] = {
    {errc::bad_uid_digit, condition::peer_fault, "a packet's uid is not four hexadecimal digits"},
    {errc::bad_type_digit, condition::peer_fault, "a packet's type is not two hexadecimal digits"},
    {errc::unknown_packet_type, condition::peer_fault, "a packet has an unknown type"},
    {errc::identity_unterminated, condition::peer_fault, "an identity is longer than 53 bytes"},
    {errc::identity_empty, condition::peer_fault, "an identity is empty"},
    {errc::identity_bad_character, condition::peer_fault, "an identity contains a forbidden character"},
    {errc::bad_relay_failure_letter, condition::peer_fault,
     "a relay failure has a letter other than C, S, H and N"},
    {errc::bad_spoke_failure_code, condition::peer_fault, "a key agreement failure has an unknown code"},
    {errc::truncated_packet, condition::peer_fault, "the connection ended inside a packet"},

    {errc::point_not_on_subgroup, condition::authentication,
     "a public value is not a point of the prime-order subgroup"},
    {errc::invalid_client_validator, condition::authentication,
     "the sender's validator does not match; the passwords differ"},
    {errc::invalid_server_validator, condition::authentication,
     "the receiver's validator does not match; the passwords differ"},
    {errc::invalid_public_packet, condition::authentication, "a public packet is invalid"},
    {errc::invalid_secret_packet, condition::authentication, "a secret packet is invalid"},
    {errc::record_too_long, condition::peer_fault, "a record is longer than 32767 bytes"},
    {errc::record_forged, condition::authentication, "the agreed key does not decrypt a record"},
    {errc::record_layout_impossible, condition::local_fault,
     "this cipher cannot write records of this layout"},
    {errc::record_sequence_exhausted, condition::local_fault, "one key has encrypted too many records"},
    {errc::crypto_unavailable, condition::local_fault, "the cryptographic library cannot start"},
    {errc::version_not_spoken, condition::refused,
     "the other side speaks only a version of the session that is not allowed here"},
    {errc::record_bad_length, condition::transport, "the connection was damaged: a length is out of bounds"},
    {errc::record_damaged, condition::transport,
     "the connection was damaged: a record is not as it was sent"},

    {errc::closed_by_relay, condition::refused,
     "the relay closed the connection; it may be full or stopping"},
    {errc::timed_out_by_relay, condition::timed_out, "nobody came before the relay's time limit"},
    {errc::timed_out, condition::timed_out, "timed out"},
    {errc::refused_by_peer, condition::refused, "the other side refused"},
    {errc::refused_by_user, condition::refused, "refused on this side"},
    {errc::peer_disconnected, condition::transport, "the other side left before the end"},
    {errc::unexpected_packet, condition::peer_fault, "an unexpected packet"},
    {errc::unexpected_end, condition::transport,
     "the connection ended too early; a relay may be full or stopping"},
    {errc::uid_exhausted, condition::refused, "the relay is full: all 65535 numbers are in use"},
    {errc::room_absent, condition::timed_out,
     "the other side did not come to the room in time, or the relay has no room left"},
    {errc::room_denied, condition::refused,
     "the relay knows no such agreement, or has had too many requests from this address"},
    {errc::room_bad_answer, condition::peer_fault,
     "the relay's answer for the room is neither 00, 01 nor 02"},
    {errc::queue_overflow, condition::peer_fault, "a peer reads too slowly and its queue is full"},
    {errc::cancelled, condition::cancelled, "cancelled"},
    {errc::unconfirmed, condition::transport,
     "the other side ended before it confirmed; it may not have the document"},
    {errc::too_many_guesses, condition::authentication,
     "too many peers with another password came; somebody may be guessing"},
    {errc::hello_missing, condition::transport, "the other side did not begin the session in time"},
    {errc::peer_silent, condition::transport, "nothing came from the other side for too long"},
    {errc::bad_record, condition::peer_fault, "the other side breaks a rule of the session"},
    {errc::protocol_mismatch, condition::peer_fault, "the other side speaks another protocol"},
    {errc::aborted_by_peer, condition::refused, "the other side gave up"},

    {errc::pack_bad_signature, condition::peer_fault, "the document does not begin with PACK"},
    {errc::pack_bad_version, condition::peer_fault, "the document's pack version is not 2"},
    {errc::pack_bad_entry, condition::peer_fault, "an entry header in the document is malformed"},
    {errc::pack_bad_trailer, condition::peer_fault, "the document's checksum does not match"},
    {errc::pack_truncated, condition::peer_fault, "the document ended before its checksum"},
    {errc::pack_bad_compression, condition::peer_fault, "compressed data in the document is invalid"},
    {errc::pack_size_mismatch, condition::peer_fault,
     "an entry of the document does not have the announced size"},
    {errc::pack_bad_delta, condition::peer_fault, "a delta in the document is malformed"},
    {errc::pack_missing_base, condition::peer_fault, "the base of a delta in the document never arrived"},
    {errc::pack_missing_object, condition::peer_fault,
     "the content for a name in the document never arrived"},
    {errc::pack_bad_tree, condition::peer_fault, "a directory in the document is malformed"},
    {errc::pack_bad_root, condition::peer_fault, "the document's root is missing, duplicated or malformed"},
    {errc::pack_bad_shape, condition::peer_fault, "the document is neither one file nor one directory"},
    {errc::too_many_entries, condition::peer_fault, "the document has more entries than allowed"},
    {errc::document_too_large, condition::peer_fault, "the document is larger than allowed"},
    {errc::tree_too_deep, condition::peer_fault, "the document's directories are nested deeper than allowed"},
    {errc::hostile_name, condition::peer_fault, "a name could lead outside the destination or mislead"},
    {errc::name_collision, condition::peer_fault, "a directory has one name twice"},
    {errc::destination_exists, condition::local_fault,
     "the destination already exists; nothing is overwritten"},
    {errc::not_a_document, condition::local_fault, "neither a regular file nor a directory"},
    {errc::document_changed, condition::local_fault, "a file changed while it was being sent"},
    {errc::no_room, condition::local_fault, "the document does not fit on the disk"},
    {errc::not_a_file, condition::local_fault, "the document is a directory, and only a file can be taken"},
    {errc::entry_not_placed, condition::local_fault, "an entry of the document cannot be placed here"},

    {errc::document_rule_broken, condition::peer_fault, "the other side broke a rule of the transfer"},
    {errc::entry_not_taken, condition::peer_fault, "an entry of the document is not acceptable"},
    {errc::document_differs, condition::peer_fault, "the other side came back with another document"},
    {errc::cancelled_by_peer, condition::refused, "the other side cancelled"},
    {errc::no_room_at_peer, condition::refused, "the other side has no room for the document"},
    {errc::destination_exists_at_peer, condition::refused, "the destination exists on the other side"},
    {errc::file_failed_at_peer, condition::refused, "the other side cannot read or write a file"},
    {errc::document_changed_at_peer, condition::refused,
     "a file changed on the other side while it was being sent"},
    {errc::entry_not_taken_by_peer, condition::refused,
     "the other side does not accept an entry of the document"},
    {errc::rule_broken_says_peer, condition::peer_fault, "the other side says that this one broke a rule"},
    {errc::failed_at_peer, condition::peer_fault, "the other side failed"},

    {errc::bad_address, condition::local_fault, "not an address of the form [transport://]host:port"},
    {errc::unknown_transport, condition::local_fault, "no transport has that name"},
    {errc::name_not_resolved, condition::transport, "there is no such host name, or it has no address"},
    {errc::connect_failed, condition::transport, "no address of the host answered"},
    {errc::tls_failed, condition::transport, "the TLS connection could not be made"},
    {errc::upgrade_refused, condition::transport, "the WebSocket was refused"},
    {errc::bad_framing, condition::peer_fault, "a WebSocket or TLS peer breaks a rule or a limit"},
    {errc::upgrade_redirected, condition::transport, "the web server redirects to another address"},
    {errc::upgrade_denied, condition::refused, "the web server does not allow the access"},
    {errc::upgrade_not_found, condition::transport, "the web server has nothing at this path"},
    {errc::upgrade_required, condition::transport, "the request came to the web server as no WebSocket"},
    {errc::upgrade_bad_gateway, condition::transport, "the web server does not reach the relay behind it"},
    {errc::upgrade_unavailable, condition::transport, "the web server or the relay takes nobody now"},
    {errc::names_unavailable, condition::transport, "host names cannot be looked up now"},

    {errc::proxy_not_resolved, condition::transport, "the proxy's name has no address"},
    {errc::proxy_unreachable, condition::transport, "the proxy cannot be reached"},
    {errc::proxy_failed, condition::transport, "the proxy did not answer as a proxy does"},
    {errc::proxy_refused_credentials, condition::authentication,
     "the proxy does not accept the user name and password"},
    {errc::proxy_refused_destination, condition::refused, "the proxy does not allow this destination"},
    {errc::proxy_cannot_connect, condition::transport, "the proxy could not resolve or reach the relay"},
};

const description* find(int value) noexcept
{
    for (const description& d : descriptions)
        if (static_cast<int>(d.code) == value) return &d;
    return nullptr;
}

class error_category_impl final : public boost::system::error_category {
public:
    const char* name() const noexcept override { return "parley"; }
    std::string message(int value) const override
    {
        const description* d = find(value);
        return d != nullptr ? d->text : "unknown error";
    }
    boost::system::error_condition default_error_condition(int value) const noexcept override
    {
        const description* d = find(value);
        if (d == nullptr) return {value, *this};
        return make_error_condition(d->cause);
    }
};

class file_category_impl final : public boost::system::error_category {
public:
    const char* name() const noexcept override { return "parley.file"; }
    std::string message(int value) const override { return boost::system::system_category().message(value); }
    boost::system::error_condition default_error_condition(int value) const noexcept override
    {
        return boost::system::system_category().default_error_condition(value);
    }
};

class condition_category_impl final : public boost::system::error_category {
public:
    const char* name() const noexcept override { return "parley.condition"; }
    std::string message(int value) const override
    {
        switch (static_cast<condition>(value)) {
        case condition::peer_fault:
            return "the other side broke a rule";
        case condition::local_fault:
            return "a fault on this side";
        case condition::transport:
            return "the network or the connection failed";
        case condition::authentication:
            return "authentication failed";
        case condition::cancelled:
            return "cancelled";
        case condition::timed_out:
            return "timed out";
        case condition::refused:
            return "refused";
        }
        return "unknown condition";
    }
    // Assigns the system's own codes (sockets, files) to conditions.
    bool equivalent(const error_code& code, int value) const noexcept override
    {
        if (code.category() == parley_category())
            return code.default_error_condition() == boost::system::error_condition(value, *this);
        if (code.category() == file_category()) return value == static_cast<int>(condition::local_fault);
        namespace sys = boost::system::errc;
        switch (static_cast<condition>(value)) {
        case condition::cancelled:
            return code == sys::operation_canceled;
        case condition::timed_out:
            return code == sys::timed_out || code == sys::stream_timeout;
        case condition::transport:
            return code == sys::connection_refused || code == sys::connection_reset ||
                   code == sys::connection_aborted || code == sys::broken_pipe ||
                   code == sys::host_unreachable || code == sys::network_unreachable ||
                   code == sys::network_down || code == sys::not_connected || code == sys::network_reset;
        case condition::local_fault:
            return code == sys::no_such_file_or_directory || code == sys::permission_denied ||
                   code == sys::file_exists || code == sys::no_space_on_device || code == sys::io_error ||
                   code == sys::is_a_directory || code == sys::not_a_directory ||
                   code == sys::read_only_file_system || code == sys::filename_too_long ||
                   code == sys::too_many_files_open || code == sys::too_many_symbolic_link_levels ||
                   code == sys::file_too_large || code == sys::cross_device_link ||
                   code == sys::not_enough_memory || code == sys::too_many_files_open_in_system;
        default:
            return false;
        }
    }
};

} // namespace

const boost::system::error_category& parley_category() noexcept
{
    static const error_category_impl category;
    return category;
}

const boost::system::error_category& file_category() noexcept
{
    static const file_category_impl category;
    return category;
}

error_code as_file_error(error_code error) noexcept
{
    const bool of_the_system = error.category() == boost::system::system_category() ||
                               error.category() == boost::system::generic_category();
    return error && of_the_system ? error_code{error.value(), file_category()} : error;
}

const boost::system::error_category& condition_category() noexcept
{
    static const condition_category_impl category;
    return category;
}

} // namespace parley
