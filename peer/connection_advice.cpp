#include "peer/connection_advice.hpp"

namespace parley::cli {
namespace {

struct advice_row {
    errc error;
    std::string_view text;
};

constexpr advice_row advice_table[] = {
    {errc::name_not_resolved,
     "Check the spelling of the host, and that this machine can resolve names. If only a proxy can resolve "
     "names, name it with --proxy."},
    {errc::names_unavailable,
     "The network is down, or its name server does not answer. Try again later, or give the relay's address in "
     "numbers."},
    {errc::upgrade_refused,
     "Check the path, and that the web server in front passes on WebSockets (nginx: proxy_http_version 1.1 "
     "and the headers Upgrade and Connection)."},
    {errc::upgrade_redirected,
     "Redirects are not followed. If the new address belongs to the relay, give it as the relay's address: "
     "https:// becomes wss://."},
    {errc::upgrade_denied,
     "The access rules of the web server or of the relay keep this machine out. Ask the relay's operator."},
    {errc::upgrade_not_found,
     "Check the path in the relay's address: the relay may be at another one, or at none."},
    {errc::upgrade_required,
     "The web server in front must pass on WebSockets (nginx: proxy_http_version 1.1 and the headers Upgrade "
     "and Connection)."},
    {errc::upgrade_bad_gateway,
     "The relay behind the web server does not run, or the web server looks for it at another port. Ask the "
     "relay's operator."},
    {errc::upgrade_unavailable,
     "The relay is stopping or full, or has had too many connections from this address. Try again later."},
};

} // namespace

std::string_view connection_advice(const error_code& error) noexcept
{
    for (const advice_row& row : advice_table)
        if (error == row.error) return row.text;
    return {};
}

} // namespace parley::cli
