#include <parley/base/code.hpp>

#include <array>
#include <optional>

namespace parley {
namespace {

constexpr std::string_view consonants = "bdfghjklmnprstvz";
constexpr std::string_view vowels = "aiou";

// Whether the letter at `position` is a vowel: words are consonant, vowel, consonant, vowel, consonant.
constexpr bool is_vowel_place(std::size_t position) noexcept
{
    return position % 5 % 2 == 1;
}

// The product in GF(16) = GF(2)[x] / (x^4 + x + 1).
constexpr byte times(byte a, byte b) noexcept
{
    unsigned product = 0;
    for (unsigned bit = 0; bit < 4; ++bit)
        if ((b >> bit & 1u) != 0) product ^= static_cast<unsigned>(a) << bit;
    for (unsigned bit = 6; bit >= 4; --bit)
        if ((product >> bit & 1u) != 0) product ^= 0b10011u << (bit - 4);
    return static_cast<byte>(product);
}

// The weights: all fifteen non-zero elements, as powers of x; the last letter's is 1.
constexpr std::array<byte, code_letters> make_weights() noexcept
{
    std::array<byte, code_letters> weights{};
    byte power = 1;
    for (std::size_t i = code_letters; i-- > 0; power = times(power, 2)) weights[i] = power;
    return weights;
}
constexpr auto weights = make_weights();
static_assert(weights[code_letters - 1] == 1);

using letter_values = secret_array<code_letters>;

byte weighted_sum(const letter_values& values) noexcept
{
    byte sum = 0;
    for (std::size_t i = 0; i < code_letters; ++i)
        sum = static_cast<byte>(sum ^ times(weights[i], values.view()[i]));
    return sum;
}

secret_bytes written_form(const letter_values& values)
{
    secret_array<code_text_bytes> text;
    std::size_t out = 0;
    for (std::size_t i = 0; i < code_letters; ++i) {
        if (i != 0 && i % 5 == 0) text.span()[out++] = '-';
        const std::string_view letters = is_vowel_place(i) ? vowels : consonants;
        text.span()[out++] = static_cast<byte>(letters[values.view()[i]]);
    }
    return secret_bytes{bytes_view{text.view()}};
}

// The length of the separator at the front of `text`; 0 if there is none.
std::size_t separator_bytes(std::string_view text) noexcept
{
    constexpr std::string_view ascii = " \t\r\n-_.,";
    if (ascii.find(text.front()) != std::string_view::npos) return 1;
    if (text.starts_with("\u00a0")) return 2; // no-break space
    // Hyphens and dashes U+2010..U+2015, narrow no-break space, minus sign: word processors and chats turn a
    // dash or a space into these.
    for (const std::string_view wide :
         {"\u2010", "\u2011", "\u2012", "\u2013", "\u2014", "\u2015", "\u202f", "\u2212"})
        if (text.starts_with(wide)) return wide.size();
    return 0;
}

// The fifteen letters of `typed` if it has the shape of a code.
std::optional<letter_values> read_letters(std::string_view typed) noexcept
{
    letter_values values;
    std::size_t count = 0;
    while (!typed.empty()) {
        if (const std::size_t skip = separator_bytes(typed); skip != 0) {
            typed.remove_prefix(skip);
            continue;
        }
        char c = typed.front();
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
        if (count == code_letters) return std::nullopt;
        const std::size_t value = (is_vowel_place(count) ? vowels : consonants).find(c);
        if (value == std::string_view::npos) return std::nullopt;
        values.span()[count++] = static_cast<byte>(value);
        typed.remove_prefix(1);
    }
    if (count != code_letters) return std::nullopt;
    return values;
}

} // namespace

secret_bytes generate_code(random_source& random)
{
    // One byte per letter: 256 is a multiple of 16 and of 4, so all letters are equally likely.
    letter_values values;
    random.fill(values.span());
    for (std::size_t i = 0; i < code_letters; ++i)
        values.span()[i] = static_cast<byte>(values.span()[i] & (is_vowel_place(i) ? 3 : 15));
    values.span()[code_letters - 1] = 0;
    values.span()[code_letters - 1] = weighted_sum(values);
    return written_form(values);
}

typed_code normalise_code(std::string_view typed)
{
    if (typed.ends_with('\n')) typed.remove_suffix(1);
    if (typed.ends_with('\r')) typed.remove_suffix(1);
    if (typed.empty()) return {};
    const std::optional<letter_values> letters = read_letters(typed);
    if (!letters) return {secret_bytes{typed}, code_kind::other};
    if (weighted_sum(*letters) != 0) return {secret_bytes{typed}, code_kind::mistyped};
    return {written_form(*letters), code_kind::code};
}

} // namespace parley
