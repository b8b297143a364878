#include <parley/stream/any_stream.hpp>

namespace parley {

stream_base::~stream_base() = default;

error_code stream_base::move_to(const executor&)
{
    return asio::error::operation_not_supported;
}

} // namespace parley
