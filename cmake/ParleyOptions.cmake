# Flags that every target of the project shares, and the function that declares a room.
set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
if(NOT PARLEY_WASM)
    set(CMAKE_POSITION_INDEPENDENT_CODE ON)
endif()
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
if(NOT CMAKE_BUILD_TYPE AND NOT CMAKE_CONFIGURATION_TYPES)
    set(CMAKE_BUILD_TYPE RelWithDebInfo CACHE STRING "" FORCE)
endif()

# For development: builds in two thirds of the time of -O2, and its stacks are truer. Line tables are what a backtrace
# needs; whole types would cost a third of the build.
set(CMAKE_CXX_FLAGS_RELWITHDEBINFO "-O1 -g1 -DNDEBUG")
find_program(PARLEY_MOLD mold)
mark_as_advanced(PARLEY_MOLD)
if(PARLEY_MOLD AND PROJECT_IS_TOP_LEVEL AND CMAKE_BUILD_TYPE STREQUAL "RelWithDebInfo")
    add_link_options(-fuse-ld=mold) # links in a quarter of the time
endif()

add_library(parley_flags INTERFACE)
target_compile_options(parley_flags INTERFACE -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion
    -Wold-style-cast -Woverloaded-virtual -Wnull-dereference -Wimplicit-fallthrough)
if(PARLEY_WERROR)
    target_compile_options(parley_flags INTERFACE -Werror)
endif()
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    # False alarms of GCC 12 inside coroutine frames and inlined library code. The frame of a coroutine that it has
    # inlined, for one, it takes for memory of another allocator.
    target_compile_options(parley_flags INTERFACE -fcoroutines -Wno-null-dereference -Wno-maybe-uninitialized
        -Wno-restrict -Wno-stringop-overflow -Wno-stringop-overread -Wno-array-bounds -Wno-mismatched-new-delete)
endif()

if(PARLEY_SANITIZE)
    add_compile_options(-fsanitize=${PARLEY_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
    add_link_options(-fsanitize=${PARLEY_SANITIZE})
    if(CMAKE_CXX_COMPILER_ID MATCHES "Clang" AND PARLEY_SANITIZE MATCHES "undefined")
        add_compile_options(-fno-sanitize=function)
    endif()
    if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND PARLEY_SANITIZE MATCHES "thread")
        add_compile_options(-Wno-tsan)
    endif()
endif()
if(PARLEY_COVERAGE)
    add_compile_options(--coverage -O0)
    add_link_options(--coverage)
endif()

# For programs, tests and archives of this build. These are options of directories, so that a project which links the
# library does not inherit them.
if(PARLEY_HARDEN)
    include(CheckCXXCompilerFlag)
    include(CheckPIESupported)
    check_pie_supported(LANGUAGES CXX)
    add_compile_options(-fstack-protector-strong)
    check_cxx_compiler_flag(-fstack-clash-protection PARLEY_STACK_CLASH_PROTECTION)
    if(PARLEY_STACK_CLASH_PROTECTION)
        add_compile_options(-fstack-clash-protection)
    endif()
    check_cxx_compiler_flag(-fcf-protection=full PARLEY_CF_PROTECTION) # x86 only
    if(PARLEY_CF_PROTECTION)
        add_compile_options(-fcf-protection=full)
    endif()
    add_link_options(-Wl,-z,relro,-z,now)
    # The C library's checks need an optimising compiler, and sanitizers bring their own.
    if(NOT PARLEY_SANITIZE AND NOT PARLEY_COVERAGE)
        add_compile_options("$<$<CONFIG:Release,RelWithDebInfo,MinSizeRel>:-U_FORTIFY_SOURCE;-D_FORTIFY_SOURCE=2>")
    endif()
endif()

# parley_room(NAME [SOURCES file...] [USES room...] [LINK library...] [LINK_PRIVATE library...])
# One room of the framework: target parley_NAME, alias parley::NAME. USES names the rooms it may include.
function(parley_room name)
    cmake_parse_arguments(arg "" "" "SOURCES;USES;LINK;LINK_PRIVATE" ${ARGN})
    add_library(parley_${name} STATIC ${arg_SOURCES})
    add_library(parley::${name} ALIAS parley_${name})
    set_target_properties(parley_${name} PROPERTIES EXPORT_NAME ${name})
    target_include_directories(parley_${name}
        PUBLIC $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/framework/include> $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>
        PRIVATE ${PROJECT_SOURCE_DIR}/framework/src)
    target_compile_features(parley_${name} PUBLIC cxx_std_20)
    foreach(room IN LISTS arg_USES)
        target_link_libraries(parley_${name} PUBLIC parley::${room})
    endforeach()
    target_link_libraries(parley_${name} PUBLIC ${arg_LINK} PRIVATE ${arg_LINK_PRIVATE} $<BUILD_INTERFACE:parley_flags>)
    if(PARLEY_INSTALL)
        install(TARGETS parley_${name} EXPORT parley-targets COMPONENT framework)
    endif()
endfunction()

# parley_asio_target(NAME)
# For a target most of whose files include Asio: its header is precompiled once for all, and files are compiled four
# at a time, so that the functions of Asio that all of them use are compiled a quarter as often.
function(parley_asio_target name)
    target_precompile_headers(${name} REUSE_FROM parley_async)
    set_target_properties(${name} PROPERTIES UNITY_BUILD ON UNITY_BUILD_BATCH_SIZE 4)
    if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
        # Of what is in an unnamed namespace of a file that another one includes, which is what happens here.
        target_compile_options(${name} PRIVATE -Wno-subobject-linkage)
    endif()
endfunction()

# What tests are warned of, they are warned of in the native build.
set(PARLEY_TEST_FLAGS parley_flags)
if(PARLEY_WASM)
    add_library(parley_wasm_test_flags INTERFACE)
    target_compile_options(parley_wasm_test_flags INTERFACE -O1) # most tests compile longer than they run
    set(PARLEY_TEST_FLAGS parley_wasm_test_flags)
endif()

# parley_precompile(NAME LINK library... HEADERS header...)
# A target that precompiles headers for tests which link the same libraries.
function(parley_precompile name)
    cmake_parse_arguments(arg "" "" "LINK;HEADERS" ${ARGN})
    file(CONFIGURE OUTPUT ${name}.cpp CONTENT "int main() {}\n")
    add_executable(${name} ${CMAKE_CURRENT_BINARY_DIR}/${name}.cpp)
    target_link_libraries(${name} PRIVATE ${arg_LINK} GTest::gmock ${PARLEY_TEST_FLAGS})
    target_precompile_headers(${name} PRIVATE ${arg_HEADERS})
endfunction()

# A test that hangs is ended after this time. No test may depend on the machine's speed: none needs a tenth of it.
set(PARLEY_TEST_TIMEOUT 7200 CACHE STRING "Seconds after which a hanging test is ended")

# parley_test(NAME SOURCES file... [LINK library...] [LABELS label...] [PRECOMPILED_BY target] [SHARDS n])
# A GoogleTest program. All of it is one ctest case, or n parts of it are one each: starting a process takes longer than
# most tests. Its heavy headers are those that another target has precompiled: test_headers, or the named one.
function(parley_test name)
    cmake_parse_arguments(arg "" "PRECOMPILED_BY;SHARDS" "SOURCES;LINK;LABELS" ${ARGN})
    if(NOT arg_PRECOMPILED_BY)
        set(arg_PRECOMPILED_BY test_headers)
    endif()
    if(NOT arg_LABELS)
        set(arg_LABELS unit)
    endif()
    add_executable(${name} ${arg_SOURCES})
    target_link_libraries(${name} PRIVATE ${arg_LINK} GTest::gmock_main ${PARLEY_TEST_FLAGS})
    target_precompile_headers(${name} REUSE_FROM ${arg_PRECOMPILED_BY})
    target_include_directories(${name} PRIVATE ${PROJECT_SOURCE_DIR}/tests)
    target_compile_definitions(${name} PRIVATE PARLEY_TEST_DATA="${PROJECT_SOURCE_DIR}/tests/vectors")
    if(NOT arg_SHARDS)
        set(arg_SHARDS 1)
    endif()
    foreach(number RANGE 1 ${arg_SHARDS})
        set(test ${name})
        if(arg_SHARDS GREATER 1)
            string(APPEND test .${number})
        endif()
        math(EXPR index "${number} - 1")
        add_test(NAME ${test} COMMAND ${name} --gtest_brief=1)
        set_tests_properties(${test} PROPERTIES LABELS "${arg_LABELS}" TIMEOUT ${PARLEY_TEST_TIMEOUT}
            ENVIRONMENT "GTEST_TOTAL_SHARDS=${arg_SHARDS};GTEST_SHARD_INDEX=${index}")
    endforeach()
endfunction()
