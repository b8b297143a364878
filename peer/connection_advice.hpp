// What a user can do about an error of the path to the relay: one table for all commands.
#pragma once

#include <parley/base/error.hpp>

#include <string_view>

namespace parley::cli {

// One or two sentences; empty for an error that has no row in the table.
std::string_view connection_advice(const error_code& error) noexcept;

} // namespace parley::cli
