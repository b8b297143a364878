# Every transport with every other, as processes on loopback.
add_test(NAME transport_matrix
    COMMAND Python3::Interpreter -B ${CMAKE_CURRENT_LIST_DIR}/transport_matrix.py)
set_tests_properties(transport_matrix PROPERTIES LABELS integration TIMEOUT 600
    ENVIRONMENT "PARLEY_PROGRAM=$<TARGET_FILE:parley>;PARLEY_RELAY_PROGRAM=$<TARGET_FILE:parley-relay>")
