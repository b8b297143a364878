// Every expected failure of the framework, as values of one enumeration in one category, and the seven
// conditions that a caller tells apart. Nothing here throws.
#pragma once

#include <boost/system/error_code.hpp>

#include <string>

namespace parley {

using error_code = boost::system::error_code;

enum class errc {
    // wire: the handshake stream (PROTOCOL.md section 2)
    bad_uid_digit = 1,        // the four bytes of a uid are not hexadecimal
    bad_type_digit,           // the two bytes of a type are not hexadecimal
    unknown_packet_type,      // a type above 0f
    identity_unterminated,    // an identity longer than 53 bytes
    identity_empty,           // an identity of no bytes
    identity_bad_character,   // a byte that no identity contains (control, space, DEL or above ASCII)
    bad_relay_failure_letter, // a relay_failure that is none of C, S, H, N
    bad_spoke_failure_code,   // a spoke_failure above 04
    truncated_packet,         // the stream ended inside a packet

    // crypto: key agreement (section 5) and records (section 7)
    point_not_on_subgroup = 100, // spoke failure 00
    invalid_client_validator,    // spoke failure 01
    invalid_server_validator,    // spoke failure 02
    invalid_public_packet,       // spoke failure 03
    invalid_secret_packet,       // spoke failure 04
    record_too_long,             // a length field above 0x7fff that is not the end
    record_forged,               // a record that the agreed key does not open
    record_layout_impossible,    // the cipher cannot take the layout's nonce
    record_sequence_exhausted,   // 2^63 records written
    crypto_unavailable,          // the library refused to start
    // the same of session version 2 (SESSION2.md sections 1 and 3)
    version_not_spoken, // the client has chosen a version that the server does not speak; spoke failure 02
    record_bad_length,  // a length field of 0 or above 65537: the connection is damaged
    record_damaged,     // a tag that does not match: the connection is damaged

    // proto: the machines (sections 3, 4, 6)
    closed_by_relay = 200, // closed 0000
    timed_out_by_relay,    // timeout
    timed_out,             // a local deadline passed
    refused_by_peer,       // the other user said no
    refused_by_user,       // this user said no
    peer_disconnected,     // the other peer left before the end
    unexpected_packet,     // a packet that this role never receives
    unexpected_end,        // the stream ended before the conversation did
    uid_exhausted,         // all 65535 uids are in use
    room_absent,           // room answer 01: the other peer did not come in time
    room_denied,           // room answer 02: no such agreement, or a malformed line
    room_bad_answer,       // a room answer that is neither 00, 01 nor 02
    queue_overflow,        // a peer reads too slowly, and its bounded queue is full
    cancelled,             // cancelled by the local user
    unconfirmed,           // the other peer ended before it had the whole document
    too_many_guesses,      // more peers with another password than allowed
    // session version 2 (SESSION2.md sections 3 to 5)
    hello_missing,     // no hello came in time
    peer_silent,       // not a byte came for too long
    bad_record,        // a record of a wrong type or form, or in a wrong place
    protocol_mismatch, // the other side uses the stream for another protocol
    aborted_by_peer,   // the other side has given up

    // payload: the document (section 8)
    pack_bad_signature = 300, // not PACK
    pack_bad_version,         // not version 2
    pack_bad_entry,           // an entry header that no rule allows
    pack_bad_trailer,         // the SHA-1 does not match
    pack_truncated,           // the stream ended before the trailer
    pack_bad_compression,     // an invalid zlib stream
    pack_size_mismatch,       // an entry that inflates to more or less than announced
    pack_bad_delta,           // a delta that no rule allows
    pack_missing_base,        // a delta whose base never came, or a loop of deltas
    pack_missing_object,      // a name whose content never came
    pack_bad_tree,            // a malformed directory
    pack_bad_root,            // no root, two roots, or a malformed one
    pack_bad_shape,           // entries that make neither a file nor a directory
    too_many_entries,         // above the configured bound
    document_too_large,       // above the configured bound
    tree_too_deep,            // above the configured bound
    hostile_name,             // a name that is no path component, or a document's that misleads
    name_collision,           // a directory has one name twice
    destination_exists,       // never overwritten
    not_a_document,           // neither a regular file nor a directory
    document_changed,         // a file changed while it was sent
    no_room,                  // the file system has too few free bytes, files or directories
    not_a_file,               // a directory, where only a file is taken
    entry_not_placed,         // the file system cannot hold it, or something is in its place

    // documents of session version 2 (SESSION2.md sections 6 to 8)
    document_rule_broken = 350, // a message out of turn or form, or what it says is not what was offered
    entry_not_taken,            // the kind, path, mode, time, size, target or order of an entry
    document_differs,           // the other side came back with another document
    // the other side gave up, and said why
    cancelled_by_peer,          // its user, or a deadline
    no_room_at_peer,            // or the document is above a limit there
    destination_exists_at_peer, // nothing is overwritten there
    file_failed_at_peer,        // a file cannot be read or written there
    document_changed_at_peer,   // while it was being sent
    entry_not_taken_by_peer,    // or a name
    rule_broken_says_peer,      // this side broke a rule
    failed_at_peer,             // an internal or unknown reason

    // streams, transports, relays and sessions
    bad_address = 400, // a URL or ADDR:PORT that does not parse
    unknown_transport, // no transport of that name
    name_not_resolved, // there is no such host name, or it has no address
    connect_failed,    // no address of the host answered
    tls_failed,        // the certificate is not valid, or the other side does not speak TLS
    upgrade_refused,   // an HTTP response that opens no WebSocket, other than those below
    bad_framing,       // a WebSocket or TLS peer breaks a rule of framing, or a bound
    // by the status of that response
    upgrade_redirected,  // 301, 302, 303, 307, 308
    upgrade_denied,      // 401, 403
    upgrade_not_found,   // 404, 410
    upgrade_required,    // 426: the request came without its WebSocket headers
    upgrade_bad_gateway, // 502, 504
    upgrade_unavailable, // 429, 503
    names_unavailable,   // names cannot be looked up now: no network, or no name server answers

    // a proxy on the way out
    proxy_not_resolved = 450,  // the proxy's name has no address
    proxy_unreachable,         // no address of the proxy answered
    proxy_failed,              // the answer is not that of a proxy
    proxy_refused_credentials, // the user name and password are missing or wrong
    proxy_refused_destination, // the proxy's rules forbid the destination
    proxy_cannot_connect,      // the proxy could not resolve or reach the host
};

// What a caller does next depends on who is at fault: compare an error_code with one of these.
enum class condition {
    peer_fault = 1, // the other side (peer or relay) broke a rule
    local_fault,    // a file, an argument or a resource on this side
    transport,      // the network or the connection failed
    authentication, // a wrong password, a refused public packet or a forged record
    cancelled,      // the user, or the owner of the operation, stopped it
    timed_out,      // a deadline passed, on either side
    refused,        // a user, or the relay, said no
};

// The category "parley" of errc. Thread-safe.
const boost::system::error_category& parley_category() noexcept;
// The category "parley.file" of the system's error numbers, for operations on this side's files. Whatever the
// number is, its condition is local_fault: ETIMEDOUT of a network file system is no peer that is too slow.
// Its codes compare with boost::system::errc as the system's own do. Thread-safe.
const boost::system::error_category& file_category() noexcept;
// Puts a code of the system or of boost::system::errc into file_category(). Returns any other unchanged.
error_code as_file_error(error_code error) noexcept;
// The category "parley.condition" of condition. Thread-safe.
const boost::system::error_category& condition_category() noexcept;

inline error_code make_error_code(errc e) noexcept
{
    return {static_cast<int>(e), parley_category()};
}
inline boost::system::error_condition make_error_condition(condition c) noexcept
{
    return {static_cast<int>(c), condition_category()};
}

} // namespace parley

template <>
struct boost::system::is_error_code_enum<parley::errc> : std::true_type {};
template <>
struct boost::system::is_error_condition_enum<parley::condition> : std::true_type {};
