// The configuration file: one JSON object. Its keys are the names of relay/settings.hpp.
#pragma once

#include "relay/configuration.hpp"

#include <string>
#include <vector>

namespace parley::relayd {

inline constexpr std::size_t max_config_file_bytes = 1u << 20;

// Reads the text of the file `name` into `configuration`. Returns everything that is wrong with it, one safe
// line each:
//     relay.json: line 3: max-rooms: "many" is not a whole number from 0 to 1000000000
// After an error the contents of `configuration` are unspecified.
std::vector<std::string> read_config_text(relay_configuration& configuration, const std::string& name,
                                          const std::string& text);

// The same for a file of at most max_config_file_bytes.
std::vector<std::string> read_config_file(relay_configuration& configuration, const std::string& path);

} // namespace parley::relayd
