// What the programs ask of a terminal.
#pragma once

#include <cstddef>
#include <optional>
#include <termios.h>

namespace parley::cli {

bool is_terminal(int descriptor) noexcept;

// The terminal's columns; 80 when it does not say, or is none.
std::size_t terminal_width(int descriptor) noexcept;

// While it lives, the terminal `descriptor` does not show what is typed (but the end of the line). Every way
// out puts it back: the destructor, and a second signal (interrupt_watch). Does nothing to what is not a
// terminal.
class echo_off {
public:
    explicit echo_off(int descriptor) noexcept;
    ~echo_off();
    echo_off(const echo_off&) = delete;
    echo_off& operator=(const echo_off&) = delete;

    void suspend() noexcept; // shows again what is typed, e.g. while the program is stopped
    void resume() noexcept;  // and hides it again

private:
    int descriptor_;
    bool active_ = false;
    termios old_{};
};

} // namespace parley::cli
