#pragma once

namespace parley {

// Lambdas as one visitor: how a role's transitions are written as one table.
template <class... F>
struct overloaded : F... {
    using F::operator()...;
};

} // namespace parley
