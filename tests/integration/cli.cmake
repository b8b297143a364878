# The programs as processes on loopback: one ctest case a file of tests.
find_package(Python3 3.9 REQUIRED COMPONENTS Interpreter)
set(cli_environment "PARLEY_PROGRAM=$<TARGET_FILE:parley>;PARLEY_RELAY_PROGRAM=$<TARGET_FILE:parley-relay>")
if(PARLEY_SANITIZE)
    # A test sends SIGSEGV to the program. The sanitizer would catch it and exit with a status of its own.
    list(APPEND cli_environment ASAN_OPTIONS=handle_segv=0 TSAN_OPTIONS=handle_segv=0)
endif()
foreach(name IN ITEMS bad_network changing_trees cli_transfer cli_codes cli_documents cli_exit_codes cli_relay cli_waiting endings forward standard_descriptors)
    add_test(NAME ${name} COMMAND Python3::Interpreter -B ${CMAKE_CURRENT_LIST_DIR}/${name}.py)
    set_tests_properties(${name} PROPERTIES LABELS integration TIMEOUT ${PARLEY_TEST_TIMEOUT} ENVIRONMENT "${cli_environment}")
endforeach()

# Another file system's judgement of names. A sanitizer's runtime must come before anything preloaded.
if(NOT PARLEY_SANITIZE)
    add_library(parley_odd_names MODULE ${CMAKE_CURRENT_LIST_DIR}/odd_names.cpp)
    target_compile_options(parley_odd_names PRIVATE -U_FORTIFY_SOURCE) # it has inline functions of these names
    target_link_libraries(parley_odd_names PRIVATE ${CMAKE_DL_LIBS})
    set_property(TEST cli_documents APPEND PROPERTY ENVIRONMENT "PARLEY_ODD_NAMES=$<TARGET_FILE:parley_odd_names>")
endif()

# These make system calls fail by a library for LD_PRELOAD.
if(TARGET parley_faults)
    foreach(name IN ITEMS destinations disk_faults file_systems)
        add_test(NAME ${name} COMMAND Python3::Interpreter -B ${CMAKE_CURRENT_LIST_DIR}/${name}.py)
        set_tests_properties(${name} PROPERTIES LABELS integration TIMEOUT ${PARLEY_TEST_TIMEOUT}
            ENVIRONMENT "${cli_environment};PARLEY_FAULTS_LIBRARY=$<TARGET_FILE:parley_faults>;PARLEY_ODD_NAMES=$<TARGET_FILE:parley_odd_names>")
    endforeach()
endif()
