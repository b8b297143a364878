// What the tests of the proxies' dialogues share.
#pragma once

#include <parley/transport/proxy.hpp>

#include <string>

namespace parley::test {

inline proxy_settings proxy_of(const std::string& text)
{
    return proxy_settings::parse(text).value();
}

} // namespace parley::test
