// What libraries expect of a runtime that knows exceptions and guards its stack.
#include <boost/throw_exception.hpp>

#include <cstdint>
#include <cstdlib>

namespace boost {

// Boost calls these in the place of a throw.
void throw_exception(const std::exception&)
{
    std::abort();
}

void throw_exception(const std::exception&, const source_location&)
{
    std::abort();
}

} // namespace boost

extern "C" {

// Debian compiles the compiler's own arithmetic (128-bit division) with guarded stacks. It holds no bytes of a
// peer, so the guard is a constant.
extern const std::uintptr_t __stack_chk_guard;
const std::uintptr_t __stack_chk_guard = 0x7a5c'00e3;

[[noreturn]] void __stack_chk_fail();
void __stack_chk_fail()
{
    __builtin_trap();
}

} // extern "C"
