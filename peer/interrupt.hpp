// Signals that end the program, as something that can be waited for.
#pragma once

#include <termios.h>

namespace parley::cli {

// From its construction on, the first SIGINT, SIGTERM or SIGHUP is noted and makes wake_descriptor()
// readable; the second restores the terminal and ends the process at once. SIGPIPE is ignored, and so is a
// SIGHUP that was ignored before (nohup). One a process.
class interrupt_watch {
public:
    interrupt_watch();
    ~interrupt_watch(); // puts the old handlers back
    interrupt_watch(const interrupt_watch&) = delete;
    interrupt_watch& operator=(const interrupt_watch&) = delete;

    // The signal that came first, 0 for none. Thread-safe.
    static int signal() noexcept;
    // Readable once a signal has come, and never read from; -1 when there is no watch.
    static int wake_descriptor() noexcept;

    // What the second signal puts the terminal `descriptor` back to; nullptr for nothing. `settings` must
    // live until it is taken back. Not thread-safe.
    static void restore_on_exit(int descriptor, const termios* settings) noexcept;
};

enum class wait_outcome {
    ready,
    interrupted,
};

// Waits until `descriptor` can be read (also at its end), or a signal has come.
wait_outcome wait_readable(int descriptor) noexcept;
// Waits until `descriptor` can be written (or is broken), or a signal has come.
wait_outcome wait_writable(int descriptor) noexcept;

} // namespace parley::cli
