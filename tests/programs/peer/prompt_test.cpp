#include "peer/prompt.hpp"

#include "peer/interrupt.hpp"
#include "peer/terminal.hpp"
#include "pty.hpp"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>

#include <csignal>
#include <future>
#include <optional>
#include <sys/wait.h>

namespace parley::cli {
namespace {

namespace asio = boost::asio;

TEST(read_line, takes_one_line_and_no_more)
{
    test::pipe_ends pipe;
    pipe.put("first\nsecond\n");
    EXPECT_EQ(read_line(pipe.reading())->text(), "first");
    EXPECT_EQ(read_line(pipe.reading())->text(), "second");
}

TEST(read_line, ends_at_the_end_of_the_input)
{
    test::pipe_ends pipe;
    pipe.put("no newline");
    pipe.finish();
    EXPECT_EQ(read_line(pipe.reading())->text(), "no newline");
    EXPECT_EQ(read_line(pipe.reading())->text(), "");
}

TEST(read_line, refuses_a_line_beyond_the_bound)
{
    test::pipe_ends pipe;
    pipe.put(std::string(max_typed_code_bytes, 'a') + "\n" + std::string(max_typed_code_bytes + 1, 'b') +
             "\n");
    EXPECT_EQ(read_line(pipe.reading())->size(), max_typed_code_bytes);
    EXPECT_EQ(read_line(pipe.reading()).error(), boost::system::errc::message_size);
}

TEST(read_line, is_ended_by_a_signal)
{
    const interrupt_watch watch;
    test::pipe_ends pipe;
    auto reading = std::async(std::launch::async, [&] { return read_line(pipe.reading()).error(); });
    ::kill(::getpid(), SIGINT);
    EXPECT_EQ(reading.get(), errc::cancelled);
    EXPECT_EQ(interrupt_watch::signal(), SIGINT);
}

TEST(read_line, says_what_the_system_says)
{
    test::pipe_ends pipe;
    const int closed = ::dup(pipe.reading());
    ::close(closed);
    EXPECT_EQ(read_line(closed).error(), boost::system::errc::bad_file_descriptor);
}

TEST(ask_secret, never_shows_what_is_typed)
{
    const test::pseudo_terminal terminal;
    auto asking = std::async(std::launch::async, [&] {
        const result<secret_bytes> line = ask_secret("Code? ", terminal.program(), terminal.program());
        return line ? std::string{line->text()} : line.error().message();
    });
    std::string seen = terminal.seen_until("Code? ");
    EXPECT_FALSE(terminal.echoes());
    terminal.type("lusab-babad\n");
    EXPECT_EQ(asking.get(), "lusab-babad");
    EXPECT_TRUE(terminal.echoes());
    seen += terminal.seen_until("\n");
    EXPECT_EQ(seen.find("lusab"), std::string::npos) << seen;
}

TEST(ask_secret, lets_what_is_typed_be_corrected)
{
    const test::pseudo_terminal terminal;
    auto asking = std::async(std::launch::async, [&] {
        return std::string{ask_secret("? ", terminal.program(), terminal.program())->text()};
    });
    terminal.seen_until("? ");
    terminal.type("wrong\x15right\n"); // Ctrl-U
    EXPECT_EQ(asking.get(), "right");
}

TEST(ask_secret, restores_the_terminal_when_a_signal_comes)
{
    const interrupt_watch watch;
    const test::pseudo_terminal terminal;
    auto asking = std::async(
        std::launch::async, [&] { return ask_secret("? ", terminal.program(), terminal.program()).error(); });
    terminal.seen_until("? ");
    EXPECT_FALSE(terminal.echoes());
    ::kill(::getpid(), SIGTERM);
    EXPECT_EQ(asking.get(), errc::cancelled);
    EXPECT_TRUE(terminal.echoes());
}

TEST(ask_secret, restores_the_terminal_when_the_line_is_too_long)
{
    test::pipe_ends pipe;
    pipe.put(std::string(max_typed_code_bytes + 1, 'x'));
    const test::pseudo_terminal terminal;
    EXPECT_EQ(ask_secret("? ", pipe.reading(), terminal.program()).error(),
              boost::system::errc::message_size);
    EXPECT_TRUE(terminal.echoes());
}

TEST(interrupt_watch, restores_the_terminal_at_the_second_signal)
{
    const test::pseudo_terminal terminal;
    const pid_t child = ::fork();
    if (child == 0) {
        const interrupt_watch watch;
        const echo_off hidden{terminal.program()};
        ::raise(SIGINT);
        ::raise(SIGINT);
        ::_exit(0);
    }
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    EXPECT_TRUE(WIFEXITED(status));
    EXPECT_EQ(WEXITSTATUS(status), 130);
    EXPECT_TRUE(terminal.echoes());
}

TEST(meaning_of, knows_yes_and_list)
{
    using enum prompt_answer;
    for (const char* text : {"y", "Y", "yes", "YES", "Yes", "  y ", "y\r"})
        EXPECT_EQ(meaning_of(text), yes) << text;
    for (const char* text : {"l", " L", "list", "LIST\n"}) EXPECT_EQ(meaning_of(text), list) << text;
    for (const char* text : {"", " ", "n", "no", "yess", "ye", "yep", "y y", "ja", "1", "li", "lists"})
        EXPECT_EQ(meaning_of(text), no) << text;
}

// Runs read_answer() on a context of its own; `during` runs on it, while the answer is awaited.
std::optional<prompt_answer> answer_of(int input, std::function<void(asio::cancellation_signal&)> during)
{
    asio::io_context context{1};
    asio::cancellation_signal cancel;
    std::optional<prompt_answer> answer;
    asio::co_spawn(
        context, read_answer(input),
        asio::bind_cancellation_slot(cancel.slot(), [&](std::exception_ptr failure, prompt_answer given) {
            EXPECT_FALSE(failure);
            answer = given;
        }));
    asio::post(context, [&] { asio::post(context, [&] { during(cancel); }); });
    context.run_for(std::chrono::minutes{5});
    return answer;
}

TEST(read_answer, leaves_the_loop_free_until_the_answer)
{
    test::pipe_ends pipe;
    EXPECT_EQ(answer_of(pipe.reading(), [&](auto&) { pipe.put("y\n"); }), prompt_answer::yes);
    EXPECT_EQ(answer_of(pipe.reading(), [&](auto&) { pipe.put("no\n"); }), prompt_answer::no);
    EXPECT_EQ(answer_of(pipe.reading(), [&](auto&) { pipe.put("\n"); }), prompt_answer::no);
    EXPECT_EQ(answer_of(pipe.reading(), [&](auto&) { pipe.put(std::string(5000, 'y')); }), prompt_answer::no);
    EXPECT_EQ(answer_of(pipe.reading(), [&](auto&) { pipe.finish(); }), prompt_answer::no);
}

TEST(read_answer, is_a_no_when_it_is_cancelled)
{
    test::pipe_ends pipe;
    EXPECT_EQ(answer_of(pipe.reading(), [](auto& cancel) { cancel.emit(asio::cancellation_type::terminal); }),
              prompt_answer::no);
}

TEST(read_answer, is_a_no_when_a_signal_comes)
{
    const interrupt_watch watch;
    test::pipe_ends pipe;
    EXPECT_EQ(answer_of(pipe.reading(), [](auto&) { ::raise(SIGINT); }), prompt_answer::no);
}

} // namespace
} // namespace parley::cli
