# Flags that every target of the project shares, and the function that declares a room.
set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
if(NOT CMAKE_BUILD_TYPE AND NOT CMAKE_CONFIGURATION_TYPES)
    set(CMAKE_BUILD_TYPE RelWithDebInfo CACHE STRING "" FORCE)
endif()

add_library(parley_flags INTERFACE)
target_compile_options(parley_flags INTERFACE -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion
    -Wold-style-cast -Woverloaded-virtual -Wnull-dereference -Wimplicit-fallthrough)
if(PARLEY_WERROR)
    target_compile_options(parley_flags INTERFACE -Werror)
endif()
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    # False alarms of GCC 12 inside coroutine frames and inlined library code.
    target_compile_options(parley_flags INTERFACE -fcoroutines -Wno-null-dereference -Wno-maybe-uninitialized
        -Wno-restrict -Wno-stringop-overflow -Wno-array-bounds)
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
    install(TARGETS parley_${name} EXPORT parley-targets)
endfunction()

# parley_test(NAME SOURCES file... [LINK library...] [LABELS label...])
# A GoogleTest program; every TEST in it becomes a ctest case.
function(parley_test name)
    cmake_parse_arguments(arg "" "TIMEOUT" "SOURCES;LINK;LABELS" ${ARGN})
    if(NOT arg_TIMEOUT)
        set(arg_TIMEOUT 120)
    endif()
    add_executable(${name} ${arg_SOURCES})
    target_link_libraries(${name} PRIVATE ${arg_LINK} GTest::gmock_main parley_flags)
    target_include_directories(${name} PRIVATE ${PROJECT_SOURCE_DIR}/tests)
    target_compile_definitions(${name} PRIVATE PARLEY_TEST_DATA="${PROJECT_SOURCE_DIR}/tests/vectors")
    gtest_discover_tests(${name} DISCOVERY_MODE PRE_TEST
        PROPERTIES LABELS "${arg_LABELS}" TIMEOUT ${arg_TIMEOUT})
endfunction()
