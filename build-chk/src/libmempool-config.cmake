# SPDX-License-Identifier: MIT
#
# libmempool-config.cmake - what find_package(libmempool) reads.
#
#   libmempool::libmempool      the shared library, or the archive where only
#                               that is installed
#   libmempool::shared          each by itself, where it is installed;
#   libmempool::static          find_package(libmempool COMPONENTS static)
#                               fails without the archive
#
# It takes the directories relative to where it was found, so that an
# installed tree may be moved.  A function keeps its words out of the caller's
# way: configure's are ${prefix} and the like.

function(_libmempool_targets)
    set(prefix "/usr/local")
    set(exec_prefix "${prefix}")
    set(libdir "${exec_prefix}/lib")
    set(includedir "${prefix}/include")
    set(cmakedir "${libdir}/cmake/libmempool")
    # Where /lib is a link to /usr/lib, only one of them has an include beside.
    get_filename_component(here "${CMAKE_CURRENT_LIST_DIR}" REALPATH)
    foreach(dir libdir includedir)
        file(RELATIVE_PATH way "${cmakedir}" "${${dir}}")
        get_filename_component(${dir} "${here}/${way}" ABSOLUTE)
    endforeach()

    string(CONCAT shared "${libdir}/${CMAKE_SHARED_LIBRARY_PREFIX}mempool"
        "${CMAKE_SHARED_LIBRARY_SUFFIX}")
    string(CONCAT static "${libdir}/${CMAKE_STATIC_LIBRARY_PREFIX}mempool"
        "${CMAKE_STATIC_LIBRARY_SUFFIX}")
    foreach(kind static shared)
        if(EXISTS "${${kind}}")
            string(TOUPPER ${kind} upper)
            add_library(libmempool::${kind} ${upper} IMPORTED)
            set_target_properties(libmempool::${kind} PROPERTIES
                IMPORTED_LOCATION "${${kind}}"
                INTERFACE_INCLUDE_DIRECTORIES "${includedir}")
            set(preferred libmempool::${kind})
        endif()
    endforeach()
    if(TARGET libmempool::static)
        set_target_properties(libmempool::static PROPERTIES
            INTERFACE_LINK_LIBRARIES "-pthread")
    endif()
    if(preferred)
        add_library(libmempool::libmempool INTERFACE IMPORTED)
        set_target_properties(libmempool::libmempool PROPERTIES
            INTERFACE_LINK_LIBRARIES ${preferred})
    endif()
endfunction()

if(NOT TARGET libmempool::libmempool)
    _libmempool_targets()
endif()
if(NOT TARGET libmempool::libmempool)
    set(libmempool_FOUND FALSE)
    set(libmempool_NOT_FOUND_MESSAGE "neither library is beside this file")
endif()
foreach(_libmempool_kind ${libmempool_FIND_COMPONENTS})
    if(TARGET libmempool::${_libmempool_kind})
        set(libmempool_${_libmempool_kind}_FOUND TRUE)
    elseif(libmempool_FIND_REQUIRED_${_libmempool_kind})
        set(libmempool_FOUND FALSE)
        set(libmempool_NOT_FOUND_MESSAGE
            "there is no ${_libmempool_kind} library here")
    endif()
endforeach()
unset(_libmempool_kind)
