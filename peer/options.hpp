// Reads and checks the command line of `parley`, without acting on it.
#pragma once

#include "peer/exit_code.hpp"

#include <parley/crypto/record_cipher.hpp>
#include <parley/crypto/spoke.hpp>
#include <parley/payload/document_source.hpp>
#include <parley/payload/folder_sink.hpp>
#include <parley/proto/guess_report.hpp>
#include <parley/session/forward_rule.hpp>
#include <parley/transport/address.hpp>
#include <parley/transport/proxy.hpp>

#include <chrono>
#include <filesystem>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace parley::cli {

inline constexpr std::string_view default_relay = "localhost:9000";

enum class output_form { text, quiet, json };

struct common_options {
    relay_address relay;
    std::string relay_text; // as given; empty when it is the default
    std::optional<std::uint16_t> room_port;
    std::string ca_file;                  // the authorities for tls and wss; empty: the system's
    proxy_pointer proxy;                  // null: none
    std::optional<std::string> code_file; // "-" is standard input
    std::chrono::milliseconds timeout{std::chrono::hours{1}}; // how long to wait for the other side
    std::chrono::milliseconds connect_timeout{15'000};        // of each connection to the relay
    std::chrono::milliseconds idle_timeout{60'000};           // of a transfer without a byte
    std::uint64_t max_wrong_codes = default_max_guesses;      // 0: any number
    output_form form = output_form::text;
    session_versions session = session_versions::both;
};

struct send_command_options {
    common_options common;
    enum class source_kind { paths, text, standard_input } kind = source_kind::paths;
    std::vector<std::filesystem::path> paths;
    std::string text;
    std::vector<std::string> exclude; // globs
    std::uint64_t receivers = 1;      // 0: any number
    std::optional<std::string> name;  // that the receiver sees
    compression compress = compression::sampled;
    record_layout layout = record_layout::current;
};

struct recv_command_options {
    common_options common;
    std::optional<std::string> code; // the argument, which other users of the machine can see
    bool yes = false;
    bool allow_dot = false; // with `yes`: take a document whose name begins with a dot
    taken_action when_taken = taken_action::refuse;
    bool keep = true;                                      // what has come of an incomplete document
    std::uint64_t max_size_bytes = UINT64_MAX;             // of the document
    std::optional<std::uint32_t> max_paths;                // in the document
    std::optional<std::string> output;                     // "-" is standard output
    std::uint64_t max_iterations = default_max_iterations; // of key derivation, that a sender may ask for
};

// One of the two lists is not empty: it says which side this is.
struct forward_command_options {
    common_options common;               // without idle_timeout and session
    std::vector<forward_target> exposed; // what the other side may reach
    std::vector<forward_rule> rules;     // where to listen, and what that leads to
};

// There is nothing to run: print a text (help, version, or what is wrong) and exit.
struct print_and_exit {
    std::string text;
    exit_code exit = exit_code::ok; // to standard output when ok, else to standard error
};

struct probe_command_options {
    relay_address relay;
    std::string ca_file;
    proxy_pointer proxy;                       // null: none
    std::chrono::milliseconds timeout{15'000}; // of each step
    bool json = false;
};

using parsed_command = std::variant<send_command_options, recv_command_options, forward_command_options,
                                    probe_command_options, print_and_exit>;

// Reads `arguments` (without the program's name) and the file of a proxy's credentials.
// `relay_from_environment` is PARLEY_RELAY (empty: not set). `variable` looks up the variables that name a
// proxy (empty: none is set). Never throws for user input.
parsed_command parse_command_line(std::vector<std::string> arguments,
                                  const std::string& relay_from_environment,
                                  const environment_lookup& variable = {});

} // namespace parley::cli
