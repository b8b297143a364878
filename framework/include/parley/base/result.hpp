// A value or an error_code: how a function that is expected to fail at times returns.
#pragma once

#include <parley/base/error.hpp>

#include <boost/system/result.hpp>

namespace parley {

template <class T = void>
using result = boost::system::result<T>;

} // namespace parley
