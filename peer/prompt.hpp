// Asks a person for a secret line or for a yes.
#pragma once

#include <parley/async/awaitable.hpp>
#include <parley/base/code.hpp>
#include <parley/base/result.hpp>

#include <string_view>

namespace parley::cli {

// Reads one line of at most max_typed_code_bytes from `input`, without its newline. Reads byte by byte, to
// take nothing after the line. The end of the input ends the line. Errors: cancelled (a signal arrived),
// message_size (too long), the system's own.
result<secret_bytes> read_line(int input);

// Writes `question` to `output`, then reads a line from the terminal `input` without echo. A stop (Ctrl-Z)
// turns the echo on until the program continues, and then it asks again. Errors: those of read_line().
result<secret_bytes> ask_secret(std::string_view question, int input, int output);

// What a line means as an answer: "y" or "yes", "l" or "list", in any case, with or without spaces around it.
enum class prompt_answer : byte { no, yes, list };
prompt_answer meaning_of(std::string_view answer) noexcept;

// Reads one line from `input`, which is a terminal or can be polled, and returns what it means. It
// reads on a separate thread, so the executor of the calling coroutine is not blocked. The end of the input
// means no. Cancellation (terminal) or a signal ends it with a no; what was typed so far stays in the
// terminal's queue.
awaitable<prompt_answer> read_answer(int input);

} // namespace parley::cli
