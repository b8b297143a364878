// A document of version 1 in a room that both peers have entered. Private to the framework.
#pragma once

#include "session/rendezvous.hpp"

#include <parley/transfer/receive_document.hpp>
#include <parley/transfer/send_document.hpp>

namespace parley::detail {

// The calling coroutine has called throw_if_cancelled(false).
awaitable<operation_result<send_report>> send_pack(entered_room entered, document_source& source,
                                                   const send_options& options, peer_observer& observer);
awaitable<operation_result<receive_report>> receive_pack(entered_room entered, document_receiver& receiver,
                                                         const receive_options& options,
                                                         peer_observer& observer);

public_parameters parameters_of(const send_options& options);
// The failure of an impossible layout of version 1; otherwise without a code.
operation_error check_layout(const send_options& options);

} // namespace parley::detail
