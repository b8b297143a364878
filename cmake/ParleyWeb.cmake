# Whether the rooms without Asio are built for WebAssembly, too (target parley_wasm, in build/wasm), and the page with
# them (target parley_page, in build/web). AUTO builds them where everything for it is there, as scripts/build installs
# it, and not under sanitizers.
set(PARLEY_BUILD_WEB AUTO CACHE STRING "Build what runs in browsers: ON, OFF or AUTO")
set_property(CACHE PARLEY_BUILD_WEB PROPERTY STRINGS AUTO ON OFF)
set(PARLEY_WEB ${PARLEY_BUILD_WEB})
set(wasm_folder ${PROJECT_SOURCE_DIR}/build/wasm)

if(PARLEY_WEB STREQUAL "AUTO")
    set(PARLEY_WEB OFF)
    if(PROJECT_IS_TOP_LEVEL AND NOT PARLEY_WASM AND NOT PARLEY_SANITIZE AND NOT PARLEY_COVERAGE)
        set(PARLEY_WEB ON)
        set(needed ${PROJECT_SOURCE_DIR}/build/wasm-deps/complete ${PROJECT_SOURCE_DIR}/build/web-modules/node_modules
            /usr/include/wasm32-wasi/wasi/api.h
            /usr/include/wasm32-wasi/c++/v1/version /usr/lib/llvm-19/lib/clang/19/lib/wasi/libclang_rt.builtins-wasm32.a)
        foreach(program IN ITEMS clang++-19 wasm-ld-19 node npm)
            find_program(PARLEY_${program} ${program})
            mark_as_advanced(PARLEY_${program})
            list(APPEND needed "${PARLEY_${program}}")
        endforeach()
        foreach(file IN LISTS needed)
            if(NOT EXISTS ${file})
                message(STATUS "Nothing for browsers is built or tested: ${file} is missing")
                set(PARLEY_WEB OFF)
                break()
            endif()
        endforeach()
    endif()
endif()

if(PARLEY_WEB)
    add_custom_command(OUTPUT ${wasm_folder}/build.ninja
        COMMAND ${CMAKE_COMMAND} --preset wasm
        WORKING_DIRECTORY ${PROJECT_SOURCE_DIR}
        DEPENDS ${PROJECT_SOURCE_DIR}/CMakePresets.json ${PROJECT_SOURCE_DIR}/cmake/wasm/toolchain.cmake)
    # That build knows what is out of date.
    add_custom_target(parley_web_module COMMAND ${CMAKE_COMMAND} --build ${wasm_folder} --target parley_web_module
        DEPENDS ${wasm_folder}/build.ninja BYPRODUCTS ${wasm_folder}/parley.wasm)
    add_custom_target(parley_wasm ALL COMMAND ${CMAKE_COMMAND} --build ${wasm_folder})
    add_dependencies(parley_wasm parley_web_module)

    set(page ${PROJECT_SOURCE_DIR}/peer/web)
    file(GLOB page_files CONFIGURE_DEPENDS ${page}/src/* ${page}/*.json ${page}/build.mjs)
    set(built_page ${PROJECT_SOURCE_DIR}/build/web/index.html)
    add_custom_command(OUTPUT ${built_page}
        COMMAND scripts/build-page
        WORKING_DIRECTORY ${PROJECT_SOURCE_DIR}
        DEPENDS ${page_files} ${PROJECT_SOURCE_DIR}/scripts/build-page ${wasm_folder}/parley.wasm parley_web_module VERBATIM)
    add_custom_target(parley_page ALL DEPENDS ${built_page})
endif()
