#include "relay/embedded_site.hpp"

namespace parley::relayd {

std::shared_ptr<const static_site> embedded_site()
{
    return nullptr;
}

} // namespace parley::relayd
