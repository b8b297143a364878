#include <parley/proto/room_line.hpp>

#include <algorithm>

namespace parley {
namespace {

constexpr std::array<byte, 6> answers{'0', '0', '0', '1', '0', '2'};
constexpr std::size_t answer_bytes = 2;

} // namespace

bytes_view encode(room_answer answer) noexcept
{
    return bytes_view{answers}.subspan(answer_bytes * static_cast<std::size_t>(answer), answer_bytes);
}

result<std::optional<identity>> room_line_parser::parse(bytes_view& input) noexcept
{
    if (error_) return error_;
    while (!input.empty()) {
        const byte next = input.front();
        if (next == '\n') {
            const auto made = identity::from_text(as_text({buffer_.data(), size_}));
            if (!made) return error_ = made.error();
            input = input.subspan(1);
            size_ = 0;
            return std::optional{*made};
        }
        // Report it at once: a line that cannot become valid is not waited for.
        if (!identity::is_allowed(next)) return error_ = errc::identity_bad_character;
        if (size_ == buffer_.size()) return error_ = errc::identity_unterminated;
        buffer_[size_++] = next;
        input = input.subspan(1);
    }
    return std::optional<identity>{};
}

room_entry_machine::room_entry_machine(const identity& other)
{
    const bytes_view text = as_bytes(other.text());
    *std::copy(text.begin(), text.end(), line_.begin()) = '\n';
    line_size_ = static_cast<byte>(text.size() + 1);
}

void room_entry_machine::receive(bytes_view& input)
{
    if (finished_) return;
    const std::size_t taken = std::min(input.size(), answer_.size() - answer_size_);
    std::copy_n(input.begin(), taken, answer_.begin() + answer_size_);
    answer_size_ = static_cast<byte>(answer_size_ + taken);
    input = input.subspan(taken);
    if (answer_size_ < answer_.size()) return;

    finished_ = true;
    const auto is = [this](room_answer answer) { return std::ranges::equal(answer_, encode(answer)); };
    if (is(room_answer::joined))
        event_due_ = true;
    else if (is(room_answer::absent))
        error_ = errc::room_absent;
    else
        error_ = is(room_answer::denied) ? errc::room_denied : errc::room_bad_answer;
}

void room_entry_machine::receive_end()
{
    stop(errc::unexpected_end);
}

void room_entry_machine::stop(error_code why)
{
    if (finished_) return;
    finished_ = true;
    error_ = why;
}

bytes_view room_entry_machine::output() const
{
    return bytes_view{line_}.first(line_size_).subspan(line_sent_);
}

void room_entry_machine::consume_output(std::size_t n)
{
    line_sent_ = static_cast<byte>(line_sent_ + std::min<std::size_t>(n, output().size()));
}

std::optional<room_entry_machine::event> room_entry_machine::next_event()
{
    if (!event_due_) return std::nullopt;
    event_due_ = false;
    return event{entered{}};
}

} // namespace parley
