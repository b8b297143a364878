# Defines MbedTLS::mbedcrypto where version 2.28 of it is.
find_path(MBEDCRYPTO_INCLUDE_DIR mbedtls/gcm.h)
find_library(MBEDCRYPTO_LIBRARY mbedcrypto)
mark_as_advanced(MBEDCRYPTO_INCLUDE_DIR MBEDCRYPTO_LIBRARY)
if(MBEDCRYPTO_INCLUDE_DIR AND EXISTS ${MBEDCRYPTO_INCLUDE_DIR}/mbedtls/version.h)
    file(STRINGS ${MBEDCRYPTO_INCLUDE_DIR}/mbedtls/version.h version REGEX "define MBEDTLS_VERSION_STRING ")
    string(REGEX REPLACE ".*\"(.*)\".*" "\\1" MBEDCRYPTO_VERSION "${version}")
endif()

include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(MbedCrypto HANDLE_VERSION_RANGE
    REQUIRED_VARS MBEDCRYPTO_LIBRARY MBEDCRYPTO_INCLUDE_DIR VERSION_VAR MBEDCRYPTO_VERSION)
if(MbedCrypto_FOUND AND NOT TARGET MbedTLS::mbedcrypto)
    add_library(MbedTLS::mbedcrypto UNKNOWN IMPORTED)
    set_target_properties(MbedTLS::mbedcrypto PROPERTIES IMPORTED_LOCATION "${MBEDCRYPTO_LIBRARY}"
        INTERFACE_INCLUDE_DIRECTORIES "${MBEDCRYPTO_INCLUDE_DIR}")
endif()
