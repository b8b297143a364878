# The programs as processes on loopback: one ctest case a file of tests.
find_package(Python3 3.9 REQUIRED COMPONENTS Interpreter)
set(cli_environment "PARLEY_PROGRAM=$<TARGET_FILE:parley>;PARLEY_RELAY_PROGRAM=$<TARGET_FILE:parley-relay>")
if(PARLEY_SANITIZE)
    # A test sends SIGSEGV to the program. The sanitizer would catch it and exit with a status of its own.
    list(APPEND cli_environment ASAN_OPTIONS=handle_segv=0 TSAN_OPTIONS=handle_segv=0)
endif()
foreach(name IN ITEMS cli_transfer cli_codes cli_exit_codes cli_relay cli_waiting endings)
    add_test(NAME ${name} COMMAND Python3::Interpreter -B ${CMAKE_CURRENT_LIST_DIR}/${name}.py)
    set_tests_properties(${name} PROPERTIES LABELS integration TIMEOUT 600 ENVIRONMENT "${cli_environment}")
endforeach()
