#include "transport/proxy/proxy_dialogue.hpp"

#include <parley/base/secret.hpp>

#include <utility>

namespace parley::detail {

proxy_dialogue::~proxy_dialogue()
{
    wipe(output_);
}

void proxy_dialogue::output_written() noexcept
{
    wipe(output_);
    output_.clear();
}

void proxy_dialogue::receive_end()
{
    if (!finished_) fail(errc::proxy_failed, "it ended the connection without an answer");
}

void proxy_dialogue::fail(errc error, std::string detail)
{
    error_ = error;
    detail_ = std::move(detail);
    finish();
}

} // namespace parley::detail
