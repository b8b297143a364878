// A terminal that a test holds both ends of.
#pragma once

#include <gtest/gtest.h>

#include <array>
#include <fcntl.h>
#include <poll.h>
#include <string>
#include <string_view>
#include <termios.h>
#include <unistd.h>

namespace parley::cli::test {

class pseudo_terminal {
public:
    pseudo_terminal()
    {
        user_ = ::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
        if (user_ >= 0 && ::grantpt(user_) == 0 && ::unlockpt(user_) == 0)
            program_ = ::open(::ptsname(user_), O_RDWR | O_NOCTTY | O_CLOEXEC);
    }
    ~pseudo_terminal()
    {
        ::close(user_);
        ::close(program_);
    }
    pseudo_terminal(const pseudo_terminal&) = delete;
    pseudo_terminal& operator=(const pseudo_terminal&) = delete;

    int program() const { return program_; } // the end that the program reads and writes
    void type(std::string_view text) const
    {
        EXPECT_EQ(::write(user_, text.data(), text.size()), static_cast<ssize_t>(text.size()));
    }
    // All that the screen shows, up to and with `end`.
    std::string seen_until(std::string_view end) const
    {
        std::string seen;
        while (seen.find(end) == std::string::npos) {
            pollfd set{user_, POLLIN, 0};
            if (::poll(&set, 1, 10'000) != 1) {
                ADD_FAILURE() << "the screen shows only: " << seen;
                break;
            }
            std::array<char, 256> buffer{};
            const ssize_t count = ::read(user_, buffer.data(), buffer.size());
            if (count <= 0) break;
            seen.append(buffer.data(), static_cast<std::size_t>(count));
        }
        return seen;
    }
    bool echoes() const
    {
        termios settings{};
        EXPECT_EQ(::tcgetattr(program_, &settings), 0);
        return (settings.c_lflag & static_cast<tcflag_t>(ECHO)) != 0;
    }

private:
    int user_ = -1;
    int program_ = -1;
};

// A pipe whose ends are closed at the end.
class pipe_ends {
public:
    pipe_ends() { EXPECT_EQ(::pipe2(ends_.data(), O_CLOEXEC), 0); }
    ~pipe_ends()
    {
        ::close(ends_[0]);
        finish();
    }
    pipe_ends(const pipe_ends&) = delete;
    pipe_ends& operator=(const pipe_ends&) = delete;

    int reading() const { return ends_[0]; }
    void put(std::string_view text) const
    {
        EXPECT_EQ(::write(ends_[1], text.data(), text.size()), static_cast<ssize_t>(text.size()));
    }
    void finish()
    {
        if (ends_[1] >= 0) ::close(ends_[1]);
        ends_[1] = -1;
    }

private:
    std::array<int, 2> ends_{-1, -1};
};

} // namespace parley::cli::test
