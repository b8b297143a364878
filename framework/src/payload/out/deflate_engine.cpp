#include "payload/out/deflate_engine.hpp"

namespace parley {

std::unique_ptr<deflate_engine> deflate_engine::create(int level) noexcept
{
#ifdef PARLEY_WITH_ISAL
    if (level <= 5) return make_isal_engine(level);
#endif
    return make_zlib_engine(level);
}

} // namespace parley
