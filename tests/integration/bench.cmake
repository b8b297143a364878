# The harness at its smallest scale, for a minute and more: `make stress TARGET=bench`.
add_test(NAME bench CONFIGURATIONS Long COMMAND Python3::Interpreter -B ${CMAKE_CURRENT_LIST_DIR}/bench.py)
set_tests_properties(bench PROPERTIES LABELS integration TIMEOUT ${PARLEY_TEST_TIMEOUT}
    ENVIRONMENT "PARLEY_PROGRAM=$<TARGET_FILE:parley>;PARLEY_RELAY_PROGRAM=$<TARGET_FILE:parley-relay>;PARLEY_BENCH_PROGRAM=$<TARGET_FILE:parley-bench>")
