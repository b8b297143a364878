// result<T>: a value or an error_code. Functions with expected failures return it.
#pragma once

#include <parley/base/error.hpp>

#include <boost/system/result.hpp>

namespace parley {

template <class T = void>
using result = boost::system::result<T>;

} // namespace parley
