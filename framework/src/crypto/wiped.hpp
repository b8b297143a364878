// A state of libsodium that holds secrets and is wiped at the end of its scope.
#pragma once

#include <parley/base/secret.hpp>

#include <type_traits>

namespace parley {

template <class State>
struct wiped {
    static_assert(std::is_trivially_copyable_v<State>);
    State value;
    ~wiped() { wipe({reinterpret_cast<byte*>(&value), sizeof value}); }
};

} // namespace parley
