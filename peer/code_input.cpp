#include "peer/code_input.hpp"

#include "peer/prompt.hpp"
#include "peer/terminal.hpp"

#include <parley/base/descriptor.hpp>

#include <boost/throw_exception.hpp>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <stdexcept>
#include <unistd.h>

namespace parley::cli {
namespace {

command_error reading_failed(const std::string& where, const error_code& why)
{
    if (why == errc::cancelled) return {exit_code::interrupted, "interrupted"};
    if (why == boost::system::errc::message_size)
        return {exit_code::usage,
                where + ": the code is longer than " + std::to_string(max_typed_code_bytes) + " bytes"};
    return {exit_code::local_file, where + ": " + why.message()};
}

command_result<typed_code> checked(std::string_view text, const std::string& where)
{
    typed_code code = normalise_code(text);
    if (code.kind == code_kind::empty) return command_error{exit_code::usage, where + ": the code is empty"};
    return code;
}

command_result<typed_code> read_from(int descriptor, const std::string& where)
{
    const result<secret_bytes> line = read_line(descriptor);
    if (!line) return reading_failed(where, line.error());
    return checked(line->text(), where);
}

command_result<typed_code> read_file(const std::string& path)
{
    if (path == "-") return read_from(STDIN_FILENO, "standard input");
    const std::string where = "--code-file " + escaped(path);
    const descriptor file{::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY)};
    if (!file) return reading_failed(where, last_system_error());
    return read_from(file.get(), where);
}

void wipe_text(char* text) noexcept
{
    wipe({reinterpret_cast<byte*>(text), std::strlen(text)});
}

} // namespace

void throw_exception_from_error(const command_error& error, const boost::source_location& location)
{
    boost::throw_exception(std::runtime_error{error.message}, location);
}

command_result<given_code> read_given_code(const code_sources& sources)
{
    command_result<typed_code> code = command_error{};
    if (sources.argument)
        code = checked(*sources.argument, "CODE");
    else if (sources.file)
        code = read_file(*sources.file);
    else if (sources.environment)
        code = checked(*sources.environment, "PARLEY_CODE");
    else
        return given_code{};
    if (!code) return code.error();
    return given_code{std::move(*code), true};
}

command_result<typed_code> ask_code(int input, int output)
{
    if (!is_terminal(input)) return read_from(input, "standard input");
    const result<secret_bytes> line = ask_secret("Code (not shown): ", input, output);
    if (!line) return reading_failed("the terminal", line.error());
    return checked(line->text(), "the terminal");
}

std::optional<std::string> take_code_from_environment()
{
    char* text = std::getenv("PARLEY_CODE");
    if (text == nullptr || *text == '\0') return std::nullopt;
    std::optional<std::string> code{text};
    wipe_text(text);
    ::unsetenv("PARLEY_CODE");
    return code;
}

} // namespace parley::cli
