# parley_site(TARGET FOLDER)
# Compiles the files of FOLDER into TARGET, as its embedded_site() (relay/embedded_site.hpp). The folder is read in each
# build, so that a page that was built again gets in. A file X may have its encodings beside it, as X.gz and X.br. A name
# such as app-5QWERTY7.js or app.0123abcd.js, with 8 or more digits of a hash, is immutable. Without the folder
# there is no site.
function(parley_site target folder)
    set(source ${CMAKE_CURRENT_BINARY_DIR}/${target}_site.cpp)
    add_custom_target(${target}_site
        COMMAND ${CMAKE_COMMAND} -D FOLDER=${folder} -D OUTPUT=${source} -P ${PROJECT_SOURCE_DIR}/cmake/embed_site.cmake
        BYPRODUCTS ${source} COMMENT "Reading the page in ${folder}" VERBATIM)
    target_sources(${target} PRIVATE ${source})
    # The assembler includes the files, so that the source holds only their names.
    set_source_files_properties(${source} PROPERTIES SKIP_UNITY_BUILD_INCLUSION ON)
    add_dependencies(${target} ${target}_site)
endfunction()
