# Many at once, sudden ends, and what it all costs in memory.
set(at_scale_environment
    "PARLEY_PROGRAM=$<TARGET_FILE:parley>;PARLEY_RELAY_PROGRAM=$<TARGET_FILE:parley-relay>")
if(PARLEY_SANITIZE)
    list(APPEND at_scale_environment PARLEY_TEST_SLOWNESS=4 PARLEY_KILL_ROUNDS=12)
endif()
foreach(name IN ITEMS many_pairs sudden_death)
    add_test(NAME ${name} COMMAND Python3::Interpreter -B ${CMAKE_CURRENT_LIST_DIR}/${name}.py)
    set_tests_properties(${name} PROPERTIES LABELS integration TIMEOUT ${PARLEY_TEST_TIMEOUT} ENVIRONMENT "${at_scale_environment}")
endforeach()
# A sanitizer's shadow memory is not the programs'.
if(NOT PARLEY_SANITIZE)
    add_test(NAME memory COMMAND Python3::Interpreter -B ${PROJECT_SOURCE_DIR}/tests/memory/memory.py)
    # `make memory` takes a larger file.
    set_tests_properties(memory PROPERTIES LABELS integration TIMEOUT ${PARLEY_TEST_TIMEOUT}
        ENVIRONMENT "${at_scale_environment};PARLEY_LARGE_MIB=512")
endif()

# Documents of session version 2, as a user sees them, on connections that break, and with peers that break rules.
set(session2_environment "PARLEY_PROGRAM=$<TARGET_FILE:parley>;PARLEY_RELAY_PROGRAM=$<TARGET_FILE:parley-relay>")
if(PARLEY_SANITIZE)
    list(APPEND session2_environment PARLEY_TEST_SLOWNESS=4 PARLEY_CONTINUING_KIB=1048576)
endif()
foreach(name IN ITEMS continuing session_mixes session2_documents session2_hostile)
    add_test(NAME ${name} COMMAND Python3::Interpreter -B ${CMAKE_CURRENT_LIST_DIR}/${name}.py)
    set_tests_properties(${name} PROPERTIES LABELS integration TIMEOUT ${PARLEY_TEST_TIMEOUT} ENVIRONMENT "${session2_environment}")
endforeach()
