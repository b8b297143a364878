// What the page is told when a run has failed: one of a few words, each with its own advice.
#pragma once

#include "peer/web/module/actions.hpp"

namespace parley::web {

// A FailureId of messages.ts, in static storage.
std::string_view failure_id(const failure& why) noexcept;

} // namespace parley::web
