#include "relay/settings.hpp"

#include <parley/base/bytes.hpp>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <concepts>
#include <numeric>

namespace parley::relayd {
namespace {

using value = nlohmann::ordered_json;

constexpr double longest_seconds = 31'536'000; // a year
constexpr double largest_count = 1e9;
constexpr double largest_bytes = 9e15; // a JSON number holds this exactly

constexpr std::array<std::string_view, 2> formats{"text", "json"};
constexpr std::array<std::string_view, 3> address_forms{"full", "prefix", "none"};
constexpr std::array<std::string_view, 3> http_paths{"healthz", "readyz", "metrics"};

template <auto Member, class Configuration>
auto& member(Configuration& c)
{
    if constexpr (std::is_invocable_v<decltype(Member), decltype((c.limits))>)
        return std::invoke(Member, c.limits);
    else
        return std::invoke(Member, c);
}

template <class E>
constexpr std::span<const std::string_view> names_of;
template <>
constexpr std::span<const std::string_view> names_of<log_level> = log_level_names;
template <>
constexpr std::span<const std::string_view> names_of<log_format> = formats;
template <>
constexpr std::span<const std::string_view> names_of<on_off> = on_off_names;
template <>
constexpr std::span<const std::string_view> names_of<log_addresses> = address_forms;

// JSON has these itself.
template <class T>
concept plain =
    std::is_arithmetic_v<T> || std::same_as<T, std::string> || std::same_as<T, std::vector<std::string>>;

template <class Rep, class Period>
value to_value(std::chrono::duration<Rep, Period> time)
{
    if (time == decltype(time)::max()) return 0;
    const double seconds = std::chrono::duration<double>(time).count();
    if (seconds == std::floor(seconds)) return static_cast<std::int64_t>(seconds);
    return seconds;
}
value to_value(double number)
{
    if (number == std::floor(number) && number < largest_bytes) return static_cast<std::int64_t>(number);
    return number;
}
value to_value(const plain auto& v)
{
    return v;
}
value to_value(const std::vector<listen_address>& addresses)
{
    value out = value::array();
    for (const listen_address& address : addresses) out.push_back(address.text());
    return out;
}
template <class E>
    requires std::is_enum_v<E>
value to_value(E chosen)
{
    return names_of<E>[static_cast<std::size_t>(chosen)];
}

// Each of these takes a value of the right type and range.
template <class Rep, class Period>
std::string from_value(std::chrono::duration<Rep, Period>& out, const value& v)
{
    using time = std::chrono::duration<Rep, Period>;
    const double seconds = v.get<double>();
    out =
        seconds == 0 ? time::max() : std::chrono::duration_cast<time>(std::chrono::duration<double>(seconds));
    return {};
}
std::string from_value(std::vector<listen_address>& out, const value& v)
{
    std::vector<listen_address> addresses;
    for (const auto& each : v) {
        diagnostics diag;
        const auto text = each.get<std::string>();
        const result<listen_address> address = listen_address::parse(text, &diag);
        if (!address)
            return fmt::format("{}: {}", escaped(text),
                               diag.empty() ? address.error().message() : diag.message());
        addresses.push_back(*address);
    }
    out = std::move(addresses);
    return {};
}
template <class E>
    requires std::is_enum_v<E>
std::string from_value(E& out, const value& v)
{
    constexpr auto names = names_of<E>;
    out = static_cast<E>(std::find(names.begin(), names.end(), v.get<std::string>()) - names.begin());
    return {};
}
std::string from_value(plain auto& out, const value& v)
{
    v.get_to(out);
    return {};
}

template <auto Member>
constexpr setting make(std::string_view name, setting_type type, std::string_view called,
                       std::string_view help, bool reloadable = false, double least = 0, double most = 0,
                       std::span<const std::string_view> choices = {})
{
    setting out;
    out.name = name;
    out.type = type;
    out.value = called;
    out.help = help;
    out.reloadable = reloadable;
    out.least = least;
    out.most = most;
    out.choices = choices;
    out.read = [](const relay_configuration& c) { return to_value(member<Member>(c)); };
    out.write = [](relay_configuration& c, const value& v) { return from_value(member<Member>(c), v); };
    return out;
}

constexpr setting with_zero(setting s, std::string_view meaning)
{
    s.zero = meaning;
    return s;
}

using enum setting_type;
using rc = relay_configuration;
using rl = relay_limits;
constexpr bool now = true; // SIGHUP changes it

const std::array table{
    make<&rc::listen>(
        "listen", addresses, "ADDR:PORT",
        "Addresses for peers: a.b.c.d:PORT, [v6]:PORT or *:PORT, where port 0 picks a free one; "
        "the same after tls://, ws:// or wss://; or unix:/PATH"),
    make<&rc::room_listen>(
        "room-listen", addresses, "ADDR:PORT",
        "Addresses for rooms; by default port 9001 at the addresses of --listen (ws and wss need none)"),
    make<&rc::one_port>("one-port", yes_no, "",
                        "Serve rooms at the addresses of --listen, and open no other port for them"),
    make<&rc::http_listen>("http-listen", addresses, "ADDR:PORT",
                           "Addresses that serve /metrics, /healthz and /readyz, and nothing else"),
    make<&rc::public_http>("public-http", setting_type::choices, "PATH",
                           "Which of those paths the other addresses serve, too", now, 0, 0, http_paths),
    make<&rc::tls_certificate>("tls-certificate", text, "FILE",
                               "The certificate for TLS, with its chain (PEM)", now),
    make<&rc::tls_key>("tls-key", text, "FILE", "The private key of that certificate (PEM)", now),
    make<&rc::trusted_networks>("trusted-network", networks, "ADDR/BITS",
                                "Networks whose proxies may supply the client's address", now),
    make<&rc::allowed_origins>(
        "allowed-origin", origins, "ORIGIN",
        "Web pages that may open WebSockets, as browsers name them, or any; by default only those of the host "
        "that is asked",
        now),
    make<&rc::web>("web", choice, "on|off",
                   "Whether to serve the page for browsers, if the program has one inside", false, 0, 0,
                   on_off_names),
    make<&rc::lobbies>("lobbies", yes_no, "",
                       "Whether WebSockets to /lobby/NAME meet in a lobby of their own"),
    make<&rc::timeout>("timeout", seconds, "SECONDS", "How long a peer may wait for another", false, 0.001,
                       longest_seconds),
    make<&rc::room_timeout>("room-timeout", seconds, "SECONDS",
                            "How long after an agreement both peers may take to enter their room", false,
                            0.001, longest_seconds),
    make<&rc::ping_interval>(
        "ping-interval", seconds, "SECONDS",
        "How often a waiting WebSocket is pinged; one that is silent for twice as long is dropped", false,
        0.001, longest_seconds),
    make<&rc::drain_timeout>("drain-timeout", seconds, "SECONDS", "How long rooms may continue after SIGTERM",
                             now, 0.001, longest_seconds),
    with_zero(make<&rc::threads>("threads", whole, "N", "Event loops that carry rooms", false, 0, 256),
              "one per core, at most eight"),

    make<&rl::connections>("max-connections", whole, "N", "Connections in total", now, 0, largest_count),
    make<&rl::connections_per_address>("max-connections-per-address", whole, "N",
                                       "Connections from one address", now, 0, largest_count),
    make<&rl::waiting_per_address>("max-waiting-per-address", whole, "N", "Waiting peers from one address",
                                   now, 0, largest_count),
    make<&rl::connections_per_second>("max-connection-rate", number, "N",
                                      "New connections per second from one address", now, 0, largest_count),
    make<&rl::hellos_per_second>("max-hello-rate", number, "N", "Hellos per second from one address", now, 0,
                                 largest_count),
    make<&rl::announcements_per_second>(
        "max-announcement-rate", number, "N",
        "Announcements per second that the hellos of one address cause, each to one waiting peer", now, 0,
        largest_count),
    make<&rl::preamble_timeout>("preamble-timeout", seconds, "SECONDS",
                                "How long a new connection may take to send a hello, room line or request",
                                now, 0, longest_seconds),
    make<&rl::preamble_bytes>("max-preamble-bytes", whole, "BYTES",
                              "How many bytes a new connection may send until then", now, 1024, 1 << 20),
    make<&rl::lobbies>("max-lobbies", whole, "N", "Lobbies that somebody is in", now, 0, largest_count),
    make<&rl::lobbies_per_address>("max-lobbies-per-address", whole, "N",
                                   "Lobbies that one address has opened", now, 0, largest_count),
    make<&rl::http>("max-http", whole, "N", "Connections in total that get the page for browsers", now, 0,
                    largest_count),
    make<&rl::http_per_address>("max-http-per-address", whole, "N",
                                "Connections of one address that get the page", now, 0, largest_count),
    make<&rl::memory>(
        "max-memory", whole, "BYTES",
        "Bytes of memory for what waits for slow peers; above it, the largest holder is dropped", now, 0,
        largest_bytes),
    make<&rl::attempts_per_minute>(
        "max-attempts-per-minute", number, "N",
        "Handshakes per minute with one waiting peer, which limits guesses of its code; "
        "one address (IPv6: a /48) may use half of them, and others wait",
        now, 0, largest_count),
    make<&rl::packets_per_second>("max-packet-rate", number, "N", "Packets per second from one peer", now, 0,
                                  largest_count),
    make<&rl::rooms>("max-rooms", whole, "N", "Rooms in total", now, 0, largest_count),
    make<&rl::rooms_per_address>("max-rooms-per-address", whole, "N", "Rooms of one address", now, 0,
                                 largest_count),
    make<&rl::agreements_per_address>("max-agreements-per-address", whole, "N",
                                      "Agreements of one address whose rooms are not entered yet", now, 0,
                                      largest_count),
    make<&rl::denied_lines_per_minute>(
        "max-denied-lines-per-minute", number, "N",
        "Room lines per minute from one address that find no agreement; more of them are denied unseen", now,
        0, largest_count),
    make<&rl::room_bytes>("max-room-bytes", whole, "BYTES", "Bytes that pass through one room", now, 0,
                          largest_bytes),
    make<&rl::room_idle>("room-idle-timeout", seconds, "SECONDS", "How long a room may be idle", now, 0,
                         longest_seconds),
    make<&rl::room_stall>("room-stall-timeout", seconds, "SECONDS",
                          "How long bytes may wait in a room for a peer that does not read", now, 0,
                          longest_seconds),
    make<&rl::room_bytes_per_second>("max-room-rate", number, "BYTES", "Bytes per second through one room",
                                     now, 0, largest_bytes),
    make<&rl::bytes_per_second>(
        "max-total-rate", number, "BYTES",
        "Bytes per second through all rooms, shared evenly by the active ones; each thread has an equal part",
        now, 0, largest_bytes),

    make<&rc::level>("log-level", choice, "LEVEL", "The lowest level that is logged", now, 0, 0,
                     log_level_names),
    make<&rc::format>("log-format", choice, "FORMAT", "The format of the log", false, 0, 0, formats),
    make<&rc::addresses>(
        "log-addresses", choice, "FORM",
        "Whether the log shows addresses in full, only their /24 or /48 prefix, or not at all", now, 0, 0,
        address_forms),
    make<&rc::json>("json", yes_no, "", "Write the ready line as a JSON object"),
};

// The number of letters to change to turn one into the other.
std::size_t distance(std::string_view a, std::string_view b)
{
    std::vector<std::size_t> row(b.size() + 1);
    std::iota(row.begin(), row.end(), std::size_t{0});
    for (std::size_t i = 0; i < a.size(); ++i) {
        std::size_t diagonal = std::exchange(row[0], i + 1);
        for (std::size_t j = 0; j < b.size(); ++j) {
            const std::size_t changed = diagonal + (a[i] == b[j] ? 0 : 1);
            diagonal = row[j + 1];
            row[j + 1] = std::min({changed, row[j] + 1, diagonal + 1});
        }
    }
    return row.back();
}

bool one_of(const setting& s, const value& v)
{
    return v.is_string() &&
           std::find(s.choices.begin(), s.choices.end(), v.get<std::string>()) != s.choices.end();
}

bool fits(const setting& s, const value& v)
{
    const auto all = [&](auto good) { return v.is_array() && std::all_of(v.begin(), v.end(), good); };
    const auto is_text = [](const value& each) { return each.is_string(); };
    const auto in_range = [&] {
        const double number = v.get<double>();
        return number >= s.least && number <= s.most;
    };
    switch (s.type) {
    case text:
        return v.is_string() && v.get<std::string>().find('\0') == std::string::npos;
    case addresses:
    case networks:
    case origins:
        return all(is_text);
    case choice:
        return one_of(s, v);
    case setting_type::choices:
        return all([&](const value& each) { return one_of(s, each); });
    case seconds:
    case number:
        return v.is_number() && in_range();
    case whole:
        return v.is_number_integer() && in_range();
    case yes_no:
        return v.is_boolean();
    }
    return false;
}

std::string listed(std::span<const std::string_view> names)
{
    return fmt::format("{}", fmt::join(names, ", "));
}

// A number in plain notation: 1099511627776, 0.001.
std::string number_text(double n)
{
    return n == std::floor(n) ? fmt::format("{}", static_cast<std::int64_t>(n)) : fmt::format("{}", n);
}

value text_value(const setting& s, const std::string& text)
{
    if (s.type == yes_no) {
        if (text == "true") return true;
        if (text == "false") return false;
    } else if (s.type == seconds || s.type == number || s.type == whole) {
        std::uint64_t exact = 0;
        const char* end = text.data() + text.size();
        if (const auto read = std::from_chars(text.data(), end, exact);
            read.ec == std::errc{} && read.ptr == end)
            return exact;
        double real = 0;
        if (const auto read = std::from_chars(text.data(), end, real);
            read.ec == std::errc{} && read.ptr == end && std::isfinite(real))
            return real;
    }
    return text;
}

// As a browser sends it: without a path, not even a slash. "null" is that of a page without a place.
bool is_origin(std::string_view text)
{
    const std::size_t at = text.find("://");
    const auto plain = [](char c) {
        return c > ' ' && c < 0x7f && std::string_view{"/?#@,"}.find(c) == std::string_view::npos;
    };
    if (text == "null" || text == any_origin) return true;
    if (at == 0 || at == std::string_view::npos) return false;
    const std::string_view scheme = text.substr(0, at), host = text.substr(at + 3);
    return !host.empty() && std::all_of(scheme.begin(), scheme.end(), plain) &&
           std::all_of(host.begin(), host.end(), plain);
}

std::string shown(const value& v)
{
    constexpr std::size_t most = 80;
    std::string out = v.dump(-1, ' ', true, value::error_handler_t::replace); // printable ASCII
    if (out.size() > most) out = out.substr(0, most) + "…";
    return out;
}

} // namespace

std::span<const setting> settings() noexcept
{
    return table;
}

const setting* find_setting(std::string_view name) noexcept
{
    const auto found =
        std::find_if(table.begin(), table.end(), [&](const setting& s) { return s.name == name; });
    return found == table.end() ? nullptr : &*found;
}

const setting* nearest_setting(std::string_view name)
{
    constexpr std::size_t longest = 64;
    if (name.size() > longest) return nullptr;
    const auto* best = std::min_element(table.begin(), table.end(), [&](const setting& a, const setting& b) {
        return distance(name, a.name) < distance(name, b.name);
    });
    return distance(name, best->name) <= std::max<std::size_t>(2, best->name.size() / 3) ? best : nullptr;
}

std::string expectation(const setting& s)
{
    switch (s.type) {
    case text:
        return "a string";
    case addresses:
        return "a list of strings, each ADDR:PORT or a URL";
    case networks:
        return "a list of strings, each ADDR/BITS";
    case origins:
        return "a list of strings, each SCHEME://HOST[:PORT], or any";
    case choice:
        return "one of " + listed(s.choices);
    case setting_type::choices:
        return "a list of any of " + listed(s.choices);
    case seconds:
    case number:
        return fmt::format("a number from {} to {}", number_text(s.least), number_text(s.most));
    case whole:
        return fmt::format("a whole number from {} to {}", number_text(s.least), number_text(s.most));
    case yes_no:
        return "true or false";
    }
    return {};
}

std::string assign(relay_configuration& configuration, const setting& s, const nlohmann::ordered_json& v)
{
    if (!fits(s, v)) return fmt::format("{} is not {}", shown(v), expectation(s));
    if (s.type == networks) {
        network_set all;
        for (const auto& each : v) {
            diagnostics diag;
            const auto text = each.get<std::string>();
            if (!all.add(text, &diag)) return fmt::format("{}: {}", escaped(text), diag.message());
        }
    }
    if (s.type == origins)
        for (const auto& each : v)
            if (const auto text = each.get<std::string>(); !is_origin(text))
                return fmt::format(
                    "{}: not an origin, such as https://relay.example or http://localhost:8080",
                    escaped(text));
    return s.write(configuration, v);
}

std::string assign_texts(relay_configuration& configuration, const setting& s,
                         const std::vector<std::string>& given)
{
    if (s.repeated()) return assign(configuration, s, value(given));
    return assign(configuration, s, given.empty() ? value("") : text_value(s, given.back()));
}

void copy_setting(relay_configuration& to, const setting& s, const relay_configuration& from)
{
    (void)s.write(to, s.read(from));
}

std::string contradiction(const relay_configuration& configuration)
{
    if (configuration.tls_certificate.empty() != configuration.tls_key.empty())
        return configuration.tls_key.empty() ? "tls-certificate needs tls-key"
                                             : "tls-key needs tls-certificate";
    for (const auto* each : {&configuration.listen, &configuration.room_listen, &configuration.http_listen})
        for (const listen_address& address : *each)
            if ((address.scheme == "tls" || address.scheme == "wss") && configuration.tls_certificate.empty())
                return escaped(address.text()) + ": --tls-certificate and --tls-key are missing";
    for (const listen_address& address : configuration.http_listen)
        if (address.scheme != "tcp" && address.scheme != "unix" && address.scheme != "tls")
            return escaped(address.text()) + ": http-listen takes ADDR:PORT, tls://ADDR:PORT and unix:/PATH";
    return {};
}

std::string print_configuration(const relay_configuration& configuration)
{
    value out = value::object();
    for (const setting& s : table) out[std::string{s.name}] = s.read(configuration);
    return out.dump(2, ' ', false, value::error_handler_t::replace);
}

std::vector<const setting*> differences(const relay_configuration& one, const relay_configuration& other)
{
    std::vector<const setting*> out;
    for (const setting& s : table)
        if (s.read(one) != s.read(other)) out.push_back(&s);
    return out;
}

std::string settings_table()
{
    const relay_configuration defaults = default_configuration();
    std::string out = "| setting | value | default | SIGHUP | what it is |\n|---|---|---|---|---|\n";
    for (const setting& s : table) {
        const value standard = s.read(defaults);
        const bool limit = s.least == 0 && (s.type == seconds || s.type == number || s.type == whole);
        const std::string zero = limit ? fmt::format("; 0: {}", s.zero) : "";
        out += fmt::format("| `{}` | {}{} | `{}` | {} | {} |\n", s.name, expectation(s), zero,
                           standard.dump(), s.reloadable ? "yes" : "", s.help);
    }
    return out;
}

} // namespace parley::relayd
