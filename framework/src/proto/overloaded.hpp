#pragma once

namespace parley {

// Combines lambdas into one visitor, so that the transitions of a role are one table.
template <class... F>
struct overloaded : F... {
    using F::operator()...;
};

} // namespace parley
