# Every transport with every other, as processes on loopback.
add_test(NAME transport_matrix
    COMMAND Python3::Interpreter -B ${CMAKE_CURRENT_LIST_DIR}/transport_matrix.py)
set_tests_properties(transport_matrix PROPERTIES LABELS integration TIMEOUT ${PARLEY_TEST_TIMEOUT}
    ENVIRONMENT "PARLEY_PROGRAM=$<TARGET_FILE:parley>;PARLEY_RELAY_PROGRAM=$<TARGET_FILE:parley-relay>")

# Independent WebSocket clients: npm's `ws` beside Debian's python3-websockets.
set(websocket_modules ${PROJECT_BINARY_DIR}/tests/integration/websocket)
add_test(NAME websocket_modules COMMAND ${PROJECT_SOURCE_DIR}/scripts/install-modules ${CMAKE_CURRENT_LIST_DIR}/websocket ${websocket_modules})
set_tests_properties(websocket_modules PROPERTIES FIXTURES_SETUP websocket_modules LABELS integration TIMEOUT ${PARLEY_TEST_TIMEOUT})
add_test(NAME websocket_conformance
    COMMAND Python3::Interpreter -B ${CMAKE_CURRENT_LIST_DIR}/websocket_conformance.py)
set_tests_properties(websocket_conformance PROPERTIES FIXTURES_REQUIRED websocket_modules LABELS integration TIMEOUT ${PARLEY_TEST_TIMEOUT}
    ENVIRONMENT "PARLEY_PROGRAM=$<TARGET_FILE:parley>;PARLEY_RELAY_PROGRAM=$<TARGET_FILE:parley-relay>;PARLEY_NODE_MODULES=${websocket_modules}/node_modules")

# Real proxies between the peers and the relay, the probe, the seats of WebSocket peers, and hostile TLS clients.
foreach(name IN ITEMS way_out probe seat tls_hostile)
    add_test(NAME ${name} COMMAND Python3::Interpreter -B ${CMAKE_CURRENT_LIST_DIR}/${name}.py)
    set_tests_properties(${name} PROPERTIES LABELS integration TIMEOUT ${PARLEY_TEST_TIMEOUT}
        ENVIRONMENT "PARLEY_PROGRAM=$<TARGET_FILE:parley>;PARLEY_RELAY_PROGRAM=$<TARGET_FILE:parley-relay>")
endforeach()

# Debian's modules belong to Debian's interpreter.
find_program(PARLEY_SYSTEM_PYTHON python3 PATHS /usr/bin NO_DEFAULT_PATH REQUIRED)
add_test(NAME websocket_hostile COMMAND ${PARLEY_SYSTEM_PYTHON} -B ${CMAKE_CURRENT_LIST_DIR}/websocket_hostile.py)
set(hostile_environment "PARLEY_PROGRAM=$<TARGET_FILE:parley>;PARLEY_RELAY_PROGRAM=$<TARGET_FILE:parley-relay>")
if(PARLEY_SANITIZE) # a sanitizer keeps freed memory
    list(APPEND hostile_environment PARLEY_HOSTILE_KIB=262144)
endif()
set_tests_properties(websocket_hostile PROPERTIES LABELS integration TIMEOUT ${PARLEY_TEST_TIMEOUT} ENVIRONMENT "${hostile_environment}")

# A page for browsers inside a relay, and the window of a page's room.
add_test(NAME web_page COMMAND Python3::Interpreter -B ${CMAKE_CURRENT_LIST_DIR}/web_page.py)
set_tests_properties(web_page PROPERTIES LABELS integration TIMEOUT ${PARLEY_TEST_TIMEOUT}
    ENVIRONMENT "PARLEY_PROGRAM=$<TARGET_FILE:parley>;PARLEY_RELAY_PROGRAM=$<TARGET_FILE:relay_with_page>")
add_test(NAME websocket_window COMMAND ${PARLEY_SYSTEM_PYTHON} -B ${CMAKE_CURRENT_LIST_DIR}/websocket_window.py)
set_tests_properties(websocket_window PROPERTIES LABELS integration TIMEOUT ${PARLEY_TEST_TIMEOUT}
    ENVIRONMENT "PARLEY_PROGRAM=$<TARGET_FILE:parley>;PARLEY_RELAY_PROGRAM=$<TARGET_FILE:parley-relay>")

# Real nginx and haproxy before relays, with the files of deploy/. PARLEY_PROXY_MIB is the size of its large documents.
add_test(NAME proxies_in_front COMMAND Python3::Interpreter -B ${CMAKE_CURRENT_LIST_DIR}/proxies_in_front.py)
set(proxies_environment "PARLEY_PROGRAM=$<TARGET_FILE:parley>;PARLEY_RELAY_PROGRAM=$<TARGET_FILE:parley-relay>")
if(PARLEY_SANITIZE)
    list(APPEND proxies_environment PARLEY_TEST_SLOWNESS=4 PARLEY_PROXY_MIB=64)
endif()
set_tests_properties(proxies_in_front PROPERTIES LABELS integration TIMEOUT ${PARLEY_TEST_TIMEOUT} ENVIRONMENT "${proxies_environment}")

# The relay as an operator runs it.
foreach(name IN ITEMS relay_operation operating_doc)
    add_test(NAME ${name} COMMAND Python3::Interpreter -B ${CMAKE_CURRENT_LIST_DIR}/${name}.py)
    set_tests_properties(${name} PROPERTIES LABELS integration TIMEOUT ${PARLEY_TEST_TIMEOUT}
        ENVIRONMENT "PARLEY_PROGRAM=$<TARGET_FILE:parley>;PARLEY_RELAY_PROGRAM=$<TARGET_FILE:parley-relay>")
endforeach()
if(NOT PARLEY_SANITIZE) # its memory is what is tested
    add_test(NAME hostile_load COMMAND Python3::Interpreter -B ${CMAKE_CURRENT_LIST_DIR}/hostile_load.py)
    set_tests_properties(hostile_load PROPERTIES LABELS integration TIMEOUT ${PARLEY_TEST_TIMEOUT}
        ENVIRONMENT "PARLEY_PROGRAM=$<TARGET_FILE:parley>;PARLEY_RELAY_PROGRAM=$<TARGET_FILE:parley-relay>")
endif()
