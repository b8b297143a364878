#pragma once

#include <string_view>

namespace parley::bench {

// The text of mailbox.py, which stands in for magic-wormhole's mailbox server.
extern const std::string_view mailbox_script;

} // namespace parley::bench
