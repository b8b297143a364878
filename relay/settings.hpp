// The table of all settings. The flags, the configuration file, --print-config, the help and the table in the
// documentation are made from it.
#pragma once

#include "relay/configuration.hpp"

#include <nlohmann/json_fwd.hpp>

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace parley::relayd {

enum class setting_type : byte {
    text,      // a JSON string
    addresses, // a list of ADDR:PORT; its flag may be repeated
    networks,  // a list of ADDR/BITS; its flag may be repeated
    origins,   // a list of SCHEME://HOST[:PORT] or "any"; its flag may be repeated
    choice,    // one of `choices`
    choices,   // a list of some of `choices`; its flag may be repeated
    seconds,   // a number
    number,    // a number
    whole,     // a whole number
    yes_no,    // true or false; its flag needs no value
};

struct setting {
    std::string_view name; // the key in the file; with "--" before it, the flag
    setting_type type{};
    std::string_view value;     // the name of the value in help texts; empty for yes_no
    std::string_view help;      // without a full stop
    bool reloadable = false;    // SIGHUP changes it
    double least = 0, most = 0; // of seconds, number and whole
    std::span<const std::string_view> choices{};
    std::string_view zero = "no limit"; // the meaning of 0, where 0 is allowed

    nlohmann::ordered_json (*read)(const relay_configuration&) = nullptr;
    // Sets a value of the right type. Returns what is wrong with it anyway, or nothing.
    std::string (*write)(relay_configuration&, const nlohmann::ordered_json&) = nullptr;

    bool repeated() const noexcept
    {
        return type == setting_type::addresses || type == setting_type::networks ||
               type == setting_type::origins || type == setting_type::choices;
    }
};

std::span<const setting> settings() noexcept;
const setting* find_setting(std::string_view name) noexcept;
// The setting with the name most similar to `name`, or null if none is similar.
const setting* nearest_setting(std::string_view name);

// Describes the expected value for people, e.g. "a whole number from 0 to 65535".
std::string expectation(const setting& s);
// Sets the value. Returns what is wrong with `value` (safe to print), or nothing.
std::string assign(relay_configuration& configuration, const setting& s, const nlohmann::ordered_json& value);
// The same from the values of its flag.
std::string assign_texts(relay_configuration& configuration, const setting& s,
                         const std::vector<std::string>& texts);

// Copies the value of one setting.
void copy_setting(relay_configuration& to, const setting& s, const relay_configuration& from);

// What is wrong between several settings, such as TLS addresses without a certificate. Empty if nothing is.
std::string contradiction(const relay_configuration& configuration);

// All settings as a configuration file.
std::string print_configuration(const relay_configuration& configuration);
// The settings in which the two configurations differ.
std::vector<const setting*> differences(const relay_configuration& one, const relay_configuration& other);
// All settings as a table in Markdown.
std::string settings_table();

} // namespace parley::relayd
