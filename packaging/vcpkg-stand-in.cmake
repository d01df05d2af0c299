# SPDX-License-Identifier: MIT
#
# vcpkg-stand-in.cmake - runs a port without vcpkg, to see that it does what
# it says: cmake -DPORT=portfile.cmake -DTARBALL=FILE -DDIR=DIRECTORY -P this.
#
# What it cannot do: see that vcpkg's own functions are as these are.

cmake_policy(VERSION 3.14)
set(CURRENT_PACKAGES_DIR ${DIR}/packages)

function(run)
    execute_process(COMMAND ${ARGN} RESULT_VARIABLE result)
    if(NOT result EQUAL 0)
        message(FATAL_ERROR "failed: ${ARGN}")
    endif()
endfunction()

function(vcpkg_download_distfile variable)
    cmake_parse_arguments(PARSE_ARGV 1 arg "" "URLS;FILENAME;SHA512" "")
    file(SHA512 ${TARBALL} sum)
    get_filename_component(name ${TARBALL} NAME)
    if(NOT sum STREQUAL arg_SHA512 OR NOT name STREQUAL arg_FILENAME OR
            NOT arg_URLS MATCHES "/${name}$")
        message(FATAL_ERROR "the port wants another tarball: ${ARGN}")
    endif()
    set(${variable} ${TARBALL} PARENT_SCOPE)
endfunction()

function(vcpkg_extract_source_archive variable)
    cmake_parse_arguments(PARSE_ARGV 1 arg "" "ARCHIVE" "")
    file(MAKE_DIRECTORY ${DIR}/source)
    run(${CMAKE_COMMAND} -E chdir ${DIR}/source
        ${CMAKE_COMMAND} -E tar xf ${arg_ARCHIVE})
    file(GLOB source ${DIR}/source/*)
    set(${variable} ${source} PARENT_SCOPE)
endfunction()

function(vcpkg_cmake_configure)
    cmake_parse_arguments(PARSE_ARGV 0 arg "" "SOURCE_PATH" "OPTIONS")
    run(${CMAKE_COMMAND} -S ${arg_SOURCE_PATH} -B ${DIR}/build
        -DCMAKE_INSTALL_PREFIX=${CURRENT_PACKAGES_DIR} ${arg_OPTIONS})
endfunction()

function(vcpkg_cmake_install)
    run(${CMAKE_COMMAND} --build ${DIR}/build)
    run(${CMAKE_COMMAND} --install ${DIR}/build)
    run(${CMAKE_COMMAND} --install ${DIR}/build
        --prefix ${CURRENT_PACKAGES_DIR}/debug)
endfunction()

function(vcpkg_fixup_pkgconfig)
endfunction()

function(vcpkg_install_copyright)
    cmake_parse_arguments(PARSE_ARGV 0 arg "" "" "FILE_LIST")
    file(COPY ${arg_FILE_LIST}
        DESTINATION ${CURRENT_PACKAGES_DIR}/share/libmempool)
endfunction()

include(${PORT})

# vcpkg refuses a port that has CMake files elsewhere, or headers twice.
file(GLOB_RECURSE installed RELATIVE ${CURRENT_PACKAGES_DIR}
    ${CURRENT_PACKAGES_DIR}/*)
foreach(file include/memory_pool.h share/libmempool/COPYING
        share/libmempool/libmempool-config.cmake)
    if(NOT file IN_LIST installed)
        message(FATAL_ERROR "the port installs no ${file}: ${installed}")
    endif()
endforeach()
foreach(file ${installed})
    if(file MATCHES "^debug/(include|share)/|^(debug/)?lib/cmake/")
        message(FATAL_ERROR "the port installs ${file}")
    endif()
endforeach()
