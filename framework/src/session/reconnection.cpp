#include <parley/session/reconnection.hpp>

#include <boost/asio/error.hpp>

namespace parley {

bool is_worth_another_try(const error_code& error) noexcept
{
    return error == boost::asio::error::eof || is_passing_error(error);
}

} // namespace parley
