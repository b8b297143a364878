#include "peer/exit_code.hpp"

#include <boost/system/errc.hpp>

namespace parley::cli {

exit_code exit_code_for(const error_code& error, session_phase phase) noexcept
{
    if (!error) return exit_code::ok;
    if (error.category() == file_category()) return exit_code::local_file;
    if (error == condition::cancelled) return exit_code::interrupted;
    if (error == errc::bad_address || error == errc::unknown_transport) return exit_code::usage;
    if (error == errc::crypto_unavailable || error == errc::record_layout_impossible ||
        error == errc::record_sequence_exhausted)
        return exit_code::internal;
    if (error == errc::proxy_not_resolved || error == errc::proxy_unreachable ||
        error == errc::proxy_failed || error == errc::proxy_refused_credentials ||
        error == errc::proxy_refused_destination)
        return exit_code::proxy;
    if (error == errc::unconfirmed) return exit_code::unconfirmed;
    if (error == errc::too_many_guesses) return exit_code::guessed;
    if (error == errc::aborted_by_peer || error == errc::cancelled_by_peer ||
        error == errc::document_changed_at_peer || error == errc::file_failed_at_peer ||
        error == errc::failed_at_peer)
        return exit_code::connection_lost; // the other side left, and said why
    if (error == errc::entry_not_taken_by_peer) return exit_code::incomplete; // it has kept what it could
    if (phase == session_phase::connecting || error == errc::name_not_resolved ||
        error == errc::names_unavailable || error == errc::connect_failed ||
        error == errc::proxy_cannot_connect)
        return exit_code::unreachable;
    // The system's own "timed out" means that a connection died, not that a wait ended.
    if (error == boost::system::errc::timed_out && error.category() != parley_category())
        return exit_code::connection_lost;
    if (error == condition::timed_out) return exit_code::timed_out;
    if (error == condition::refused) return exit_code::refused;
    if (error == condition::authentication || error == condition::peer_fault) return exit_code::wrong_data;
    if (error == condition::transport) return exit_code::connection_lost;
    if (error == condition::local_fault) return exit_code::local_file;
    // Another code of the system: before the connection it is about a file.
    return phase == session_phase::preparing ? exit_code::local_file : exit_code::internal;
}

} // namespace parley::cli
