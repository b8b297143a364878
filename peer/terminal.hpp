// Terminal functions of the program, and what else concerns its standard descriptors.
#pragma once

#include <cstddef>
#include <optional>
#include <termios.h>

namespace parley::cli {

bool is_terminal(int descriptor) noexcept;

// Whether `descriptor` is open for writing. Standard output is not if the program was started without it.
bool is_writable(int descriptor) noexcept;

// The number of columns; 80 when the terminal does not tell or there is none.
std::size_t terminal_width(int descriptor) noexcept;

// While it lives, the terminal `descriptor` does not echo what is typed, except the newline. The destructor
// and a signal that ends the process (interrupt_watch) restore it. Does nothing if `descriptor` is not a terminal.
class echo_off {
public:
    explicit echo_off(int descriptor) noexcept;
    ~echo_off();
    echo_off(const echo_off&) = delete;
    echo_off& operator=(const echo_off&) = delete;

    void suspend() noexcept; // turns the echo on, e.g. while the program is stopped
    void resume() noexcept;  // turns it off again

private:
    int descriptor_;
    bool active_ = false;
    termios old_{};
};

} // namespace parley::cli
