# The libraries of the WebAssembly build, under the names that their packages have elsewhere. Their sources are
# Debian's; what the linker does not need of them, it leaves out.
enable_language(C)
if(NOT EXISTS ${PARLEY_WASM_DEPENDENCIES}/complete)
    message(FATAL_ERROR "The sources of the libraries are missing: run scripts/wasm-dependencies")
endif()

add_library(parley_wasm_headers INTERFACE) # in the sysroot
add_library(Boost::headers ALIAS parley_wasm_headers)
add_library(nlohmann_json::nlohmann_json ALIAS parley_wasm_headers)

# parley_c_library(NAME ALIAS FOLDER INCLUDE folder... PATTERNS pattern...)
# A library of the C sources that match the patterns below FOLDER, for others under the name ALIAS.
function(parley_c_library name alias folder)
    cmake_parse_arguments(arg "" "" "INCLUDE;PATTERNS" ${ARGN})
    list(TRANSFORM arg_PATTERNS PREPEND ${folder}/)
    list(TRANSFORM arg_INCLUDE PREPEND ${folder}/)
    file(GLOB_RECURSE sources ${arg_PATTERNS})
    add_library(${name} STATIC ${sources})
    add_library(${alias} ALIAS ${name})
    target_include_directories(${name} SYSTEM PUBLIC ${arg_INCLUDE})
    target_compile_options(${name} PRIVATE -w)
endfunction()

set(folder ${PARLEY_WASM_DEPENDENCIES}/libsodium/src/libsodium)
parley_c_library(parley_wasm_sodium PkgConfig::SODIUM ${folder} INCLUDE include
    PATTERNS crypto_aead/chacha20poly1305/*.c crypto_auth/hmacsha256/*.c crypto_core/ed25519/*.c
        crypto_generichash/blake2b/*.c crypto_hash/sha256/*.c crypto_onetimeauth/poly1305/*.c
        crypto_pwhash/argon2/argon2-core.c crypto_pwhash/argon2/argon2-fill-block-ref.c crypto_scalarmult/curve25519/*.c
        crypto_scalarmult/ed25519/*.c crypto_stream/chacha20/*.c crypto_stream/salsa20/*.c crypto_verify/*.c
        randombytes/randombytes.c randombytes/sysrandom/*.c sodium/core.c sodium/runtime.c sodium/utils.c)
set(VERSION 1.0.18)
set(SODIUM_LIBRARY_VERSION_MAJOR 10)
set(SODIUM_LIBRARY_VERSION_MINOR 3)
configure_file(${folder}/include/sodium/version.h.in ${CMAKE_CURRENT_BINARY_DIR}/sodium/sodium/version.h @ONLY)
# version.h includes its neighbours.
target_include_directories(parley_wasm_sodium SYSTEM PUBLIC ${CMAKE_CURRENT_BINARY_DIR}/sodium ${folder}/include/sodium
    PRIVATE ${CMAKE_CURRENT_BINARY_DIR}/sodium/sodium)
target_compile_definitions(parley_wasm_sodium PUBLIC SODIUM_STATIC
    PRIVATE CONFIGURED=1 NATIVE_LITTLE_ENDIAN=1 _GNU_SOURCE _WASI_EMULATED_SIGNAL)
target_link_libraries(parley_wasm_sodium PRIVATE wasi-emulated-signal)

parley_c_library(parley_wasm_zstd PkgConfig::ZSTD ${PARLEY_WASM_DEPENDENCIES}/libzstd/lib INCLUDE .
    PATTERNS common/*.c compress/*.c decompress/*.c)
target_compile_definitions(parley_wasm_zstd PRIVATE XXH_NAMESPACE=ZSTD_ ZSTD_LEGACY_SUPPORT=0)

set(mbedtls_sources aes ccm cipher cipher_wrap constant_time gcm platform_util sha1)
list(TRANSFORM mbedtls_sources REPLACE "(.+)" "library/\\1.c")
parley_c_library(parley_wasm_mbedcrypto MbedTLS::mbedcrypto ${PARLEY_WASM_DEPENDENCIES}/mbedtls INCLUDE include
    PATTERNS ${mbedtls_sources})
target_compile_definitions(parley_wasm_mbedcrypto
    PUBLIC MBEDTLS_CONFIG_FILE="${CMAKE_CURRENT_LIST_DIR}/mbedtls_config.h")
