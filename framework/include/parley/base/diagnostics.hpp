// The words of an error, beside its error_code.
#pragma once

#include <string>
#include <utility>

namespace parley {

// One sentence for people about the last error: what is wrong, and where. It is safe to print, and holds no
// secret. A function that takes a `diagnostics*` accepts null. It sets the message when it fails and its
// error_code does not tell everything; otherwise the message stays as it was. Not thread-safe.
class diagnostics {
public:
    // Empty when no function has set it.
    const std::string& message() const noexcept { return message_; }
    bool empty() const noexcept { return message_.empty(); }
    void clear() noexcept { message_.clear(); }

    // For the functions that fail.
    void set_message(std::string text) noexcept { message_ = std::move(text); }

private:
    std::string message_;
};

} // namespace parley
