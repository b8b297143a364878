#include "payload/source/content_fault.hpp"

#include <boost/system/errc.hpp>

#include <array>
#include <ctime>

namespace parley {
namespace {

// A fault's text has 255 bytes on the wire. The rest of the sentence needs room, too.
constexpr std::size_t max_shown_path_bytes = 120;

std::string utc(const timespec& time)
{
    std::tm parts{};
    std::array<char, 64> text{};
    if (::gmtime_r(&time.tv_sec, &parts) == nullptr) return {};
    return {text.data(), std::strftime(text.data(), text.size(), "%Y-%m-%d %H:%M:%S UTC", &parts)};
}

} // namespace

std::string quoted_path(std::string_view path)
{
    if (path.size() <= max_shown_path_bytes) return "'" + std::string(path) + "'";
    path.remove_prefix(path.size() - max_shown_path_bytes);
    // Not from the middle of a character.
    while (!path.empty() && (static_cast<unsigned char>(path.front()) & 0xc0) == 0x80) path.remove_prefix(1);
    return "'…" + std::string(path) + "'";
}

error_code fail_reading(document_fault& fault, std::string_view path, const error_code& error)
{
    fault = {session_reason::file_failed, quoted_path(path) + " cannot be read: " + error.message()};
    return as_file_error(error);
}

error_code fail_changed(document_fault& fault, std::string_view path, const std::string& what,
                        const struct stat* now)
{
    fault = {session_reason::document_changed, quoted_path(path) + " " + what};
    if (now != nullptr) fault.text += " (" + utc(now->st_ctim) + ")";
    return errc::document_changed;
}

error_code fail_cancelled(document_fault& fault)
{
    fault = {session_reason::cancelled, {}};
    return errc::cancelled;
}

error_code fail_misused(document_fault& fault)
{
    fault = {session_reason::internal, "content was asked for that was never offered"};
    return boost::system::errc::make_error_code(boost::system::errc::invalid_argument);
}

} // namespace parley
