#include <parley/base/secret.hpp>
#include <parley/wire/seat_token.hpp>

namespace parley {

seat_token seat_token::random(random_source& from) noexcept
{
    seat_token out;
    from.fill(out.bytes_);
    return out;
}

std::optional<seat_token> seat_token::from_text(std::string_view digits) noexcept
{
    if (digits.size() != 2 * byte_count) return std::nullopt;
    seat_token out;
    for (std::size_t i = 0; i < byte_count; ++i) {
        const int high = hex_digit(static_cast<byte>(digits[2 * i]));
        const int low = hex_digit(static_cast<byte>(digits[2 * i + 1]));
        if (high < 0 || low < 0) return std::nullopt;
        out.bytes_[i] = static_cast<byte>(high << 4 | low);
    }
    return out;
}

bool operator==(const seat_token& a, const seat_token& b) noexcept
{
    return equal_in_constant_time(a.bytes_, b.bytes_);
}

} // namespace parley
