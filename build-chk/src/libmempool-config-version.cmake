# SPDX-License-Identifier: MIT
#
# libmempool-config-version.cmake - whether the installed version will do.
#
# It will if the program asks for this version, or for an older one with the
# same first number: programs that were built with an older release run on
# later ones.

set(PACKAGE_VERSION "0.10.0")
set(PACKAGE_VERSION_COMPATIBLE FALSE)
if(PACKAGE_FIND_VERSION VERSION_EQUAL PACKAGE_VERSION)
    set(PACKAGE_VERSION_EXACT TRUE)
endif()
if(NOT PACKAGE_FIND_VERSION VERSION_GREATER PACKAGE_VERSION)
    if(PACKAGE_FIND_VERSION_RANGE)
        if(PACKAGE_VERSION VERSION_LESS PACKAGE_FIND_VERSION_MAX OR
                (PACKAGE_FIND_VERSION_RANGE_MAX STREQUAL "INCLUDE" AND
                PACKAGE_VERSION VERSION_EQUAL PACKAGE_FIND_VERSION_MAX))
            set(PACKAGE_VERSION_COMPATIBLE TRUE)
        endif()
    elseif(NOT PACKAGE_FIND_VERSION OR
            PACKAGE_FIND_VERSION_MAJOR EQUAL "0")
        set(PACKAGE_VERSION_COMPATIBLE TRUE)
    endif()
endif()
