# What find_package(parley) finds after installation: the component "framework" alone holds all of it.
include(CMakePackageConfigHelpers)
set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/parley)

install(DIRECTORY ${PROJECT_SOURCE_DIR}/framework/include/parley DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}
        COMPONENT framework FILES_MATCHING PATTERN "*.hpp")
install(EXPORT parley-targets NAMESPACE parley:: DESTINATION ${package_dir} COMPONENT framework)

configure_package_config_file(${PROJECT_SOURCE_DIR}/cmake/parley-config.cmake.in
    ${PROJECT_BINARY_DIR}/parley-config.cmake INSTALL_DESTINATION ${package_dir})
# Before 1.0 every minor version may change an interface.
write_basic_package_version_file(${PROJECT_BINARY_DIR}/parley-config-version.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/parley-config.cmake ${PROJECT_BINARY_DIR}/parley-config-version.cmake
        DESTINATION ${package_dir} COMPONENT framework)
if(PARLEY_CRYPTO_BACKEND STREQUAL "mbedtls")
    install(FILES ${PROJECT_SOURCE_DIR}/cmake/FindMbedCrypto.cmake DESTINATION ${package_dir} COMPONENT framework)
endif()
