#include "peer/code_input.hpp"

#include "pty.hpp"
#include "scratch.hpp"

#include <future>

namespace parley::cli {
namespace {

std::string text_of(const command_result<given_code>& code)
{
    return code ? std::string{code->code.password.text()} : code.error().message;
}

TEST(read_given_code, takes_the_first_that_there_is)
{
    const test::scratch_folder folder;
    const std::string file = folder.write("code", "from the file\nand more\n");
    EXPECT_EQ(text_of(read_given_code({"argument", file, "environment"})), "argument");
    EXPECT_EQ(text_of(read_given_code({{}, file, "environment"})), "from the file");
    EXPECT_EQ(text_of(read_given_code({{}, {}, "environment"})), "environment");
    const command_result<given_code> none = read_given_code({});
    ASSERT_TRUE(none);
    EXPECT_FALSE(none->given);
}

TEST(read_given_code, refuses_an_empty_code)
{
    const test::scratch_folder folder;
    for (const code_sources& sources :
         {code_sources{"", {}, {}}, code_sources{{}, folder.write("empty", ""), {}},
          code_sources{{}, folder.write("newline", "\n"), {}}}) {
        const command_result<given_code> code = read_given_code(sources);
        ASSERT_FALSE(code);
        EXPECT_EQ(code.error().exit, exit_code::usage);
    }
}

TEST(read_given_code, says_which_file_cannot_be_read)
{
    const test::scratch_folder folder;
    const command_result<given_code> absent =
        read_given_code({{}, (folder.path() / "ab\x1bsent").string(), {}});
    ASSERT_FALSE(absent);
    EXPECT_EQ(absent.error().exit, exit_code::local_file);
    EXPECT_NE(absent.error().message.find("--code-file"), std::string::npos);
    EXPECT_EQ(absent.error().message.find('\x1b'), std::string::npos);
    const command_result<given_code> directory = read_given_code({{}, folder.path().string(), {}});
    EXPECT_EQ(directory.error().exit, exit_code::local_file);
    const command_result<given_code> endless = read_given_code({{}, "/dev/zero", {}});
    EXPECT_EQ(endless.error().exit, exit_code::usage);
}

TEST(ask_code, reads_one_line_where_there_is_no_terminal)
{
    test::pipe_ends pipe;
    pipe.put("some password\n");
    const command_result<typed_code> code = ask_code(pipe.reading(), -1);
    ASSERT_TRUE(code);
    EXPECT_EQ(code->password.text(), "some password");
    pipe.finish();
    EXPECT_EQ(ask_code(pipe.reading(), -1).error().exit, exit_code::usage);
}

TEST(ask_code, asks_on_a_terminal)
{
    const test::pseudo_terminal terminal;
    auto asking = std::async(std::launch::async, [&] {
        return std::string{ask_code(terminal.program(), terminal.program())->password.text()};
    });
    terminal.seen_until("Code (not shown): ");
    terminal.type("typed\n");
    EXPECT_EQ(asking.get(), "typed");
}

TEST(take_code_from_environment, leaves_nothing_behind)
{
    ::setenv("PARLEY_CODE", "secret", 1);
    const char* where = ::getenv("PARLEY_CODE");
    EXPECT_EQ(take_code_from_environment(), "secret");
    EXPECT_EQ(std::string(where, 6), std::string(6, '\0'));
    EXPECT_EQ(::getenv("PARLEY_CODE"), nullptr);
    EXPECT_EQ(take_code_from_environment(), std::nullopt);
    ::setenv("PARLEY_CODE", "", 1);
    EXPECT_EQ(take_code_from_environment(), std::nullopt);
}

} // namespace
} // namespace parley::cli
