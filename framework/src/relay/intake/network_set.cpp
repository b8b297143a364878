#include <parley/relay/network_set.hpp>

#include <parley/base/bytes.hpp>

#include <algorithm>
#include <charconv>

namespace parley {
namespace {

constexpr std::string_view unix_word = "unix";

} // namespace

result<void> network_set::add(std::string_view text, diagnostics* diag)
{
    const auto fail = [&](const std::string& what) -> result<void> {
        if (diag != nullptr) diag->set_message("\"" + escaped(text, 80) + "\" " + what);
        return make_error_code(errc::bad_address);
    };
    if (text == unix_word) {
        unix_ = true;
        return {};
    }
    const std::size_t slash = text.find('/');
    error_code error;
    const auto address = asio::ip::make_address(std::string{text.substr(0, slash)}, error);
    if (error || (address.is_v6() && address.to_v6().scope_id() != 0))
        return fail("is no network: a.b.c.d/N, IPv6/N or unix");
    const unsigned longest = address.is_v4() ? 32 : 128;
    unsigned bits = longest;
    if (slash != std::string_view::npos) {
        const std::string_view digits = text.substr(slash + 1);
        const auto read = std::from_chars(digits.data(), digits.data() + digits.size(), bits);
        if (digits.empty() || digits.size() > 3 || read.ec != std::errc{} ||
            read.ptr != digits.data() + digits.size() || bits > longest)
            return fail("has no prefix from 0 to " + std::to_string(longest) + " behind its \"/\"");
    }
    const ip_network added{address, bits};
    if (added.address() != unmapped(address)) return fail("has bits set behind its prefix");
    networks_.push_back(added);
    return {};
}

bool network_set::contains(const asio::ip::address& address) const noexcept
{
    return std::any_of(networks_.begin(), networks_.end(),
                       [&](const ip_network& each) { return each.contains(address); });
}

std::vector<std::string> network_set::texts() const
{
    std::vector<std::string> out;
    for (const ip_network& each : networks_) out.push_back(each.text());
    if (unix_) out.emplace_back(unix_word);
    return out;
}

} // namespace parley
