# WebAssembly with Debian's clang 19, libc++ and wasi-libc. The objects know neither exceptions nor run-time types nor
# threads. Nothing of this system's headers is seen but what scripts/wasm-dependencies put into the sysroot.
list(APPEND CMAKE_MODULE_PATH ${CMAKE_CURRENT_LIST_DIR})
get_filename_component(PARLEY_WASM_DEPENDENCIES ${CMAKE_CURRENT_LIST_DIR}/../../build/wasm-deps ABSOLUTE)

set(CMAKE_SYSTEM_NAME WASI)
set(CMAKE_SYSTEM_PROCESSOR wasm32)
set(CMAKE_SYSROOT ${PARLEY_WASM_DEPENDENCIES}/sysroot)
foreach(language IN ITEMS C CXX)
    set(CMAKE_${language}_COMPILER_TARGET wasm32-wasi)
    set(CMAKE_${language}_FLAGS_RELEASE "-O2 -DNDEBUG" CACHE STRING "")
endforeach()
set(CMAKE_C_COMPILER clang-19)
set(CMAKE_CXX_COMPILER clang++-19)
set(CMAKE_CXX_FLAGS_INIT "-fno-exceptions -fno-rtti -DBOOST_SYSTEM_DISABLE_THREADS")
# A stack that overflows leaves the memory, which is a trap, and does not run into the data.
set(CMAKE_EXE_LINKER_FLAGS_INIT "-Wl,--stack-first -Wl,-z,stack-size=1048576")

# Programs of libraries and packages of this system are not for this one.
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_PACKAGE ONLY)

# Programs run in Node.
set(CMAKE_CROSSCOMPILING_EMULATOR node ${CMAKE_CURRENT_LIST_DIR}/run.mjs)
