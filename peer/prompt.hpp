// Asking a person: for a secret line, and for a yes.
#pragma once

#include "peer/code.hpp"

#include <parley/async/awaitable.hpp>
#include <parley/base/result.hpp>

#include <string_view>

namespace parley::cli {

// Reads one line of at most max_typed_code_bytes from `input`, its newline not included, byte by byte so that
// nothing after the line is taken. Errors: cancelled (a signal came), message_size (too long), the system's
// own. The end of the input ends the line.
result<secret_bytes> read_line(int input);

// Writes `question` to `output`, then reads a line from the terminal `input` without showing it. A stop
// (Ctrl-Z) shows what is typed again until the program goes on, and then asks once more. Errors: as
// read_line().
result<secret_bytes> ask_secret(std::string_view question, int input, int output);

// Whether `answer` means yes: y or yes in any case, spaces around it allowed.
bool means_yes(std::string_view answer) noexcept;

// Reads one line from `input`, a terminal or anything that can be polled, on a thread of its own, so that the
// executor of the calling coroutine goes on meanwhile; returns whether it means yes. The end of the input is
// a no. Cancellation (terminal) and a signal end it with a no; what was typed by then stays in the terminal's
// queue.
awaitable<bool> read_answer(int input);

} // namespace parley::cli
