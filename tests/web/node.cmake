# The worker of the page in Node, against the real programs. Without node, or without the module, it is left out.
add_test(NAME web_peer COMMAND ${PARLEY_NODE} --test ${CMAKE_CURRENT_LIST_DIR}/node_peer.mjs)
set_tests_properties(web_peer PROPERTIES LABELS web TIMEOUT ${PARLEY_TEST_TIMEOUT}
    FIXTURES_REQUIRED "wasm;web_page_modules;websocket_modules"
    ENVIRONMENT "PARLEY_PROGRAM=$<TARGET_FILE:parley>;PARLEY_RELAY_PROGRAM=$<TARGET_FILE:parley-relay>;PARLEY_WEB_MODULES=${PROJECT_BINARY_DIR}/peer/web/node_modules;PARLEY_NODE_MODULES=${PROJECT_BINARY_DIR}/tests/integration/websocket/node_modules")
