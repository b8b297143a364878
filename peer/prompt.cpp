#include "peer/prompt.hpp"

#include "peer/interrupt.hpp"
#include "peer/reporter.hpp"
#include "peer/terminal.hpp"

#include <parley/async/event.hpp>
#include <parley/base/descriptor.hpp>

#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <fcntl.h>
#include <memory>
#include <poll.h>
#include <thread>
#include <unistd.h>

namespace parley::cli {
namespace {

std::atomic<bool> stop_wanted{false};

extern "C" void on_stop_signal(int)
{
    stop_wanted = true;
}

// While it lives, SIGTSTP is blocked except inside wait(), which it ends.
class stop_guard {
public:
    stop_guard() noexcept
    {
        sigset_t set;
        sigemptyset(&set);
        sigaddset(&set, SIGTSTP);
        ::pthread_sigmask(SIG_BLOCK, &set, &old_mask_);
        struct sigaction action{};
        action.sa_handler = on_stop_signal;
        sigemptyset(&action.sa_mask);
        ::sigaction(SIGTSTP, &action, &old_action_);
        wait_mask_ = old_mask_;
        sigdelset(&wait_mask_, SIGTSTP);
    }
    ~stop_guard()
    {
        ::sigaction(SIGTSTP, &old_action_, nullptr);
        ::pthread_sigmask(SIG_SETMASK, &old_mask_, nullptr);
    }
    stop_guard(const stop_guard&) = delete;
    stop_guard& operator=(const stop_guard&) = delete;

    enum class outcome { ready, interrupted, stop };
    outcome wait(int input) noexcept
    {
        std::array<pollfd, 2> set{pollfd{input, POLLIN, 0},
                                  pollfd{interrupt_watch::wake_descriptor(), POLLIN, 0}};
        for (;;) {
            if (interrupt_watch::signal() != 0) return outcome::interrupted;
            if (stop_wanted.exchange(false)) return outcome::stop;
            const int ready = ::ppoll(set.data(), set.size(), nullptr, &wait_mask_);
            if (ready < 0 && errno != EINTR) return outcome::ready;
            if (ready > 0 && set[0].revents != 0 && set[1].revents == 0) return outcome::ready;
        }
    }

private:
    sigset_t old_mask_{};
    sigset_t wait_mask_{};
    struct sigaction old_action_{};
};

// The bytes typed so far, in memory that is wiped.
class line_buffer {
public:
    enum class outcome { more, complete, too_long };
    outcome add(char c) noexcept
    {
        if (c == '\n') return outcome::complete;
        if (size_ == max_typed_code_bytes) return outcome::too_long;
        bytes_.span()[size_++] = static_cast<byte>(c);
        return outcome::more;
    }
    secret_bytes take() { return secret_bytes{bytes_view{bytes_.view()}.first(size_)}; }
    void clear() noexcept
    {
        bytes_.clear();
        size_ = 0;
    }

private:
    secret_array<max_typed_code_bytes> bytes_;
    std::size_t size_ = 0;
};

// Reads one byte if there is one. The end of the input completes the line.
result<line_buffer::outcome> read_some_of_line(int input, line_buffer& line)
{
    char c = 0;
    const ssize_t count = ::read(input, &c, 1);
    if (count < 0) {
        if (errno == EINTR || errno == EAGAIN) return line_buffer::outcome::more;
        return last_system_error();
    }
    if (count == 0) return line_buffer::outcome::complete;
    const line_buffer::outcome outcome = line.add(c);
    wipe({reinterpret_cast<byte*>(&c), 1});
    if (outcome == line_buffer::outcome::too_long)
        return error_code{EMSGSIZE, boost::system::generic_category()};
    return outcome;
}

// The state that the answering thread and its coroutine share.
struct answer_state {
    explicit answer_state(const executor& ex) : answered(ex) {}
    event answered;
    prompt_answer answer = prompt_answer::no;
};

// The thread that waits for the answer, and a pipe to end it early.
class answer_thread {
public:
    answer_thread(int input, std::shared_ptr<answer_state> state)
    {
        if (::pipe2(ends_.data(), O_CLOEXEC) != 0) ends_ = {-1, -1};
        thread_ = std::thread{[input, stop = ends_[0], state = std::move(state)]() mutable {
            const prompt_answer answer = wait(input, stop);
            const executor ex = state->answered.get_executor();
            asio::post(ex, [state = std::move(state), answer] {
                state->answer = answer;
                state->answered.signal();
            });
        }};
    }
    ~answer_thread()
    {
        ::close(ends_[1]); // makes the other end readable
        thread_.join();
        ::close(ends_[0]);
    }
    answer_thread(const answer_thread&) = delete;
    answer_thread& operator=(const answer_thread&) = delete;

private:
    static prompt_answer wait(int input, int stop)
    {
        std::array<pollfd, 3> set{pollfd{input, POLLIN, 0}, pollfd{stop, POLLIN, 0},
                                  pollfd{interrupt_watch::wake_descriptor(), POLLIN, 0}};
        line_buffer line;
        for (;;) {
            const int ready = ::poll(set.data(), set.size(), -1);
            if (ready < 0 && errno != EINTR) return prompt_answer::no;
            if (ready < 0) continue;
            if (set[1].revents != 0 || set[2].revents != 0) return prompt_answer::no;
            const result<line_buffer::outcome> step = read_some_of_line(input, line);
            if (!step) return prompt_answer::no;
            if (*step == line_buffer::outcome::complete) return meaning_of(line.take().text());
        }
    }

    std::array<int, 2> ends_{-1, -1};
    std::thread thread_;
};

} // namespace

result<secret_bytes> read_line(int input)
{
    line_buffer line;
    for (;;) {
        if (wait_readable(input) == wait_outcome::interrupted) return errc::cancelled;
        const result<line_buffer::outcome> step = read_some_of_line(input, line);
        if (!step) return step.error();
        if (*step == line_buffer::outcome::complete) return line.take();
    }
}

result<secret_bytes> ask_secret(std::string_view question, int input, int output)
{
    line_buffer line;
    echo_off hidden{input};
    stop_guard guard;
    const text_sink put = descriptor_sink(output);
    put(question);
    for (;;) {
        const stop_guard::outcome outcome = guard.wait(input);
        if (outcome == stop_guard::outcome::interrupted) {
            put("\n");
            return errc::cancelled;
        }
        if (outcome == stop_guard::outcome::stop) {
            hidden.suspend();
            put("\n");
            ::raise(SIGSTOP);
            hidden.resume();
            line.clear();
            put(question);
            continue;
        }
        const result<line_buffer::outcome> step = read_some_of_line(input, line);
        if (!step) return step.error();
        if (*step == line_buffer::outcome::complete) return line.take();
    }
}

prompt_answer meaning_of(std::string_view answer) noexcept
{
    constexpr std::string_view blanks = " \t\r\n";
    const std::size_t first = answer.find_first_not_of(blanks);
    if (first == std::string_view::npos) return prompt_answer::no;
    answer = answer.substr(first, answer.find_last_not_of(blanks) - first + 1);
    const auto is = [answer](std::string_view word) {
        return std::ranges::equal(answer, word, [](char a, char b) { return (a | 0x20) == b; });
    };
    if (is("y") || is("yes")) return prompt_answer::yes;
    return is("l") || is("list") ? prompt_answer::list : prompt_answer::no;
}

awaitable<prompt_answer> read_answer(int input)
{
    const executor ex = co_await asio::this_coro::executor;
    const auto state = std::make_shared<answer_state>(ex);
    const answer_thread thread{input, state};
    co_await state->answered.wait_or_cancelled();
    co_return state->answer;
}

} // namespace parley::cli
