// Tests throw when they cannot go on. Without support for exceptions the program ends there.
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <exception>

extern "C" {

void* __cxa_allocate_exception(std::size_t bytes)
{
    return std::malloc(bytes);
}

void __cxa_throw(void* thrown, void*, void (*)(void*))
{
    std::fprintf(stderr, "an exception was thrown\n");
    static_cast<void>(thrown);
    std::abort();
}

} // extern "C"
