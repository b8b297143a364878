// Makes the signals that end the program waitable.
#pragma once

#include <termios.h>

namespace parley::cli {

// While it lives, the first SIGINT, SIGTERM or SIGHUP is recorded and makes wake_descriptor() readable. The
// second restores the terminal and ends the process at once. Every other signal that ends a process restores
// the terminal first. SIGPIPE and SIGXFSZ are ignored. A signal that was ignored before stays ignored (nohup).
// Another handler stays in place (a sanitizer's). Only one may exist per process.
class interrupt_watch {
public:
    interrupt_watch();
    ~interrupt_watch(); // puts the old handlers back
    interrupt_watch(const interrupt_watch&) = delete;
    interrupt_watch& operator=(const interrupt_watch&) = delete;

    // The first signal that arrived; 0 if none has. Thread-safe.
    static int signal() noexcept;
    // Becomes readable at the first signal and is never read from. -1 when there is no watch.
    static int wake_descriptor() noexcept;

    // Sets the settings that these signals restore on the terminal `descriptor`; nullptr for none. `settings`
    // must live until they are unset. Not thread-safe.
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
