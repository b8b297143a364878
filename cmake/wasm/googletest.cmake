# GoogleTest for tests that run as WebAssembly, from the sources that the package googletest installs.
# Tests and GoogleTest may say `throw`; what is thrown ends the program (test_exceptions.cpp).
set(folder /usr/src/googletest)
foreach(part IN ITEMS googletest/src/gtest-all.cc googlemock/src/gmock-all.cc googlemock/src/gmock_main.cc)
    if(NOT EXISTS ${folder}/${part})
        message(FATAL_ERROR "${folder}/${part} is missing: it is of the package googletest")
    endif()
endforeach()

add_library(parley_wasm_gmock STATIC ${folder}/googletest/src/gtest-all.cc ${folder}/googlemock/src/gmock-all.cc
    ${CMAKE_CURRENT_LIST_DIR}/test_exceptions.cpp)
target_include_directories(parley_wasm_gmock SYSTEM PUBLIC ${folder}/googletest/include ${folder}/googlemock/include
    PRIVATE ${folder}/googletest ${folder}/googlemock)
target_compile_definitions(parley_wasm_gmock PUBLIC GTEST_HAS_PTHREAD=0 GTEST_HAS_DEATH_TEST=0 GTEST_HAS_STREAM_REDIRECTION=0)
target_compile_options(parley_wasm_gmock PUBLIC -fexceptions PRIVATE -w)
add_library(GTest::gmock ALIAS parley_wasm_gmock)

add_library(parley_wasm_gmock_main STATIC ${folder}/googlemock/src/gmock_main.cc)
target_link_libraries(parley_wasm_gmock_main PUBLIC parley_wasm_gmock)
# More than any of the tests needs: V8's collector has crashed, once in many runs, while it let a memory grow.
target_link_options(parley_wasm_gmock_main PUBLIC -Wl,--initial-memory=134217728)
add_library(GTest::gmock_main ALIAS parley_wasm_gmock_main)
