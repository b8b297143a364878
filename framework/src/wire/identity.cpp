#include <parley/wire/identity.hpp>

#include <algorithm>

namespace parley {

result<identity> identity::from_text(std::string_view text) noexcept
{
    if (text.empty()) return make_error_code(errc::identity_empty);
    if (text.size() > max_identity_bytes) return make_error_code(errc::identity_unterminated);
    const bytes_view bytes = as_bytes(text);
    if (!std::all_of(bytes.begin(), bytes.end(), is_allowed))
        return make_error_code(errc::identity_bad_character);
    return from_checked(text);
}

identity identity::from_checked(std::string_view text) noexcept
{
    identity made;
    std::copy(text.begin(), text.end(), made.text_.begin());
    made.size_ = static_cast<byte>(text.size());
    return made;
}

std::string_view identity::address() const noexcept
{
    std::string_view host = text();
    // A text that ends with a bracket is an IPv6 address without a port.
    if (!host.ends_with(']')) host = host.substr(0, host.rfind(':'));
    if (host.size() >= 2 && host.starts_with('[') && host.ends_with(']'))
        host = host.substr(1, host.size() - 2);
    return host;
}

} // namespace parley
