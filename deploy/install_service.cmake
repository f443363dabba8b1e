# SPDX-License-Identifier: MIT
# At installation: the unit, with the paths of this installation, and a configuration unless there is one.
function(below_prefix result path)
    cmake_path(ABSOLUTE_PATH path BASE_DIRECTORY "${CMAKE_INSTALL_PREFIX}" NORMALIZE OUTPUT_VARIABLE absolute)
    set(${result} "${absolute}" PARENT_SCOPE)
endfunction()

below_prefix(BINDIR "${RINGCAST_BINDIR}")
below_prefix(SYSCONFDIR "${RINGCAST_SYSCONFDIR}")
below_prefix(units "${RINGCAST_SYSTEMD_DIR}")
if(SYSCONFDIR STREQUAL "/usr/etc")
    set(SYSCONFDIR /etc)
endif()

set(unit "$ENV{DESTDIR}${units}/ringcast.service")
message(STATUS "Installing: ${unit}")
configure_file("${RINGCAST_SOURCE}/systemd/ringcast.service.in" "${unit}" @ONLY)
file(CHMOD "${unit}" PERMISSIONS OWNER_READ OWNER_WRITE GROUP_READ WORLD_READ)

set(configuration "${SYSCONFDIR}/ringcast")
if(EXISTS "$ENV{DESTDIR}${configuration}/ringcast.conf")
    message(STATUS "Kept: $ENV{DESTDIR}${configuration}/ringcast.conf")
else()
    file(INSTALL "${RINGCAST_SOURCE}/ringcast.conf" DESTINATION "${configuration}" # below DESTDIR, as install()
         PERMISSIONS OWNER_READ OWNER_WRITE GROUP_READ)
endif()
