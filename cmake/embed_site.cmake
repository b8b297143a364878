# Writes the source that parley_site() compiles: cmake -D FOLDER=... -D OUTPUT=... -P embed_site.cmake
# OUTPUT changes only when a file of FOLDER does: the ETags, which are hashes of the files, are in it.
cmake_minimum_required(VERSION 3.25)

set(type_html "text/html; charset=utf-8")
set(type_css "text/css; charset=utf-8")
set(type_js "text/javascript; charset=utf-8")
set(type_json "application/json")
set(type_webmanifest "application/manifest+json")
set(type_wasm "application/wasm")
set(type_svg "image/svg+xml")
set(type_png "image/png")
set(type_ico "image/vnd.microsoft.icon")
set(type_txt "text/plain; charset=utf-8")

set(assembly "")
set(declarations "")
set(table "")
set(count 0)

# Adds the bytes of `file`; `out` gets an expression for them.
function(embed file out)
    file(SIZE "${file}" size)
    if(size EQUAL 0)
        set(${out} "bytes_view{}" PARENT_SCOPE)
        return()
    endif()
    set(name parley_site_${count})
    string(APPEND assembly "    .hidden ${name}\n    .globl ${name}\n${name}:\n    .incbin \"${file}\"\n")
    string(APPEND declarations "extern \"C\" const parley::byte ${name}[];\n")
    math(EXPR count "${count} + 1")
    set(assembly "${assembly}" PARENT_SCOPE)
    set(declarations "${declarations}" PARENT_SCOPE)
    set(count ${count} PARENT_SCOPE)
    set(${out} "bytes_view{${name}, ${size}}" PARENT_SCOPE)
endfunction()

set(files "")
if(FOLDER AND IS_DIRECTORY "${FOLDER}")
    if(FOLDER MATCHES "\"" OR FOLDER MATCHES "\\\\")
        message(FATAL_ERROR "${FOLDER}: the assembler cannot read this path")
    endif()
    if(NOT EXISTS "${FOLDER}/index.html")
        message(FATAL_ERROR "${FOLDER} has no index.html")
    endif()
    file(GLOB_RECURSE files RELATIVE "${FOLDER}" "${FOLDER}/*")
    list(SORT files)
    list(FILTER files EXCLUDE REGEX "\\.(gz|br)$")
endif()

foreach(file IN LISTS files)
    if(NOT file MATCHES "^[A-Za-z0-9._/-]+$")
        message(FATAL_ERROR "${file}: a name of a page's file has only letters, digits, '.', '_' and '-'")
    endif()
    string(REGEX MATCH "[^.]*$" extension "${file}")
    if(NOT DEFINED type_${extension})
        message(FATAL_ERROR "${file}: no content type is known for .${extension}")
    endif()
    file(SHA256 "${FOLDER}/${file}" hash)
    string(SUBSTRING "${hash}" 0 32 hash)
    set(immutable false)
    if(file MATCHES "[-.]([0-9A-Z]+|[0-9a-f]+)\\.[a-z0-9]+$")
        string(LENGTH "${CMAKE_MATCH_1}" digits)
        if(digits GREATER_EQUAL 8)
            set(immutable true)
        endif()
    endif()
    string(APPEND table "        add(\"/${file}\", \"${type_${extension}}\", \"${hash}\", ${immutable}")
    foreach(encoding IN ITEMS "" .gz .br)
        set(bytes "bytes_view{}")
        if(EXISTS "${FOLDER}/${file}${encoding}")
            embed("${FOLDER}/${file}${encoding}" bytes)
            file(SHA256 "${FOLDER}/${file}${encoding}" hash)
            string(APPEND declarations "// ${file}${encoding} ${hash}\n")
        endif()
        string(APPEND table ",\n            ${bytes}")
    endforeach()
    string(APPEND table ");\n")
endforeach()

set(text "// Generated from ${FOLDER}.\n#include \"relay/embedded_site.hpp\"\n\n")
if(files)
    string(APPEND text "${declarations}
asm(R\"(
    .section .rodata.parley_site,\"a\",@progbits
${assembly}    .text
)\");

namespace parley::relayd {

std::shared_ptr<const static_site> embedded_site()
{
    static const auto site = [] {
        std::vector<static_file> files;
        const auto add = [&](const char* path, const char* type, const char* etag, bool immutable,
                             bytes_view identity, bytes_view gzip, bytes_view br) {
            static_file file;
            file.path = path;
            file.content_type = type;
            file.etag = etag;
            file.immutable = immutable;
            file.identity = identity;
            file.gzip = gzip;
            file.br = br;
            files.push_back(std::move(file));
        };
${table}        return std::make_shared<const static_site>(std::move(files));
    }();
    return site;
}

} // namespace parley::relayd
")
else()
    string(APPEND text "std::shared_ptr<const parley::static_site> parley::relayd::embedded_site()
{
    return nullptr;
}
")
endif()

set(old "")
if(EXISTS "${OUTPUT}")
    file(READ "${OUTPUT}" old)
endif()
if(NOT text STREQUAL old)
    file(WRITE "${OUTPUT}" "${text}")
endif()
