// The page for browsers that the program has inside. A generated source defines it (cmake/ParleySite.cmake).
#pragma once

#include <parley/relay/static_site.hpp>

#include <memory>

namespace parley::relayd {

// Null when the program was built without a page.
std::shared_ptr<const static_site> embedded_site();

} // namespace parley::relayd
