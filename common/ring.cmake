# The ring: the public reader library (shared and static) and, for ringcast's own processes, writer and creation.
set(RINGCAST_READER_SOURCES
    ${CMAKE_CURRENT_SOURCE_DIR}/ring_fault.c ${CMAKE_CURRENT_SOURCE_DIR}/ring_follower.c
    ${CMAKE_CURRENT_SOURCE_DIR}/ring_format.c
    ${CMAKE_CURRENT_SOURCE_DIR}/ring_reader.c ${CMAKE_CURRENT_SOURCE_DIR}/ring_reader_init.c
    ${CMAKE_CURRENT_SOURCE_DIR}/ring_reader_wait.c)
set(RINGCAST_WRITER_SOURCES ${CMAKE_CURRENT_SOURCE_DIR}/ring_recover.c ${CMAKE_CURRENT_SOURCE_DIR}/ring_writer.c)

ringcast_static_library(ringcast-ring SOURCES ${RINGCAST_READER_SOURCES} ${RINGCAST_WRITER_SOURCES} ring_create.c
                        LIBRARIES Threads::Threads)

# What strangers link: the reader and nothing else, under one public header. The version script keeps every other name
# inside the shared library.
add_library(ringcast SHARED ${RINGCAST_READER_SOURCES})
set_target_properties(
    ringcast
    PROPERTIES VERSION ${PROJECT_VERSION}
               SOVERSION 0
               LINK_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/ringcast.map)
target_link_options(ringcast PRIVATE -Wl,--version-script=${CMAKE_CURRENT_SOURCE_DIR}/ringcast.map)

add_library(ringcast-static STATIC ${RINGCAST_READER_SOURCES})
set_target_properties(ringcast-static PROPERTIES OUTPUT_NAME ringcast POSITION_INDEPENDENT_CODE ON)

foreach(library ringcast ringcast-static)
    target_include_directories(${library} INTERFACE ${CMAKE_CURRENT_SOURCE_DIR})
    target_link_libraries(${library} PRIVATE ringcast::flags PUBLIC Threads::Threads)
endforeach()

# The pkg-config file finds its prefix from where it lies, so an installed tree may be moved.
file(RELATIVE_PATH RINGCAST_PC_PREFIX ${CMAKE_INSTALL_FULL_LIBDIR}/pkgconfig ${CMAKE_INSTALL_PREFIX})
configure_file(libringcast.pc.in ${CMAKE_BINARY_DIR}/libringcast.pc @ONLY)

# `cmake --install BUILD --component libringcast` installs the library and nothing else.
install(
    TARGETS ringcast ringcast-static
    LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT libringcast
    ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT libringcast)
install(FILES ringcast.h DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} COMPONENT libringcast)
install(FILES ${CMAKE_BINARY_DIR}/libringcast.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig COMPONENT libringcast)
