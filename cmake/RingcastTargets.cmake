# SPDX-License-Identifier: MIT
# What every target of ringcast has in common: language, warnings as errors, sanitizers.
# Link `ringcast::flags` privately; nothing else sets compiler options. Headers are included by their path from the top of
# the tree.
add_library(ringcast_flags INTERFACE)
add_library(ringcast::flags ALIAS ringcast_flags)

target_include_directories(ringcast_flags INTERFACE ${CMAKE_SOURCE_DIR})
target_compile_definitions(ringcast_flags INTERFACE _GNU_SOURCE RINGCAST_VERSION="${PROJECT_VERSION}")
target_compile_options(
    ringcast_flags
    INTERFACE -Wall
              -Wextra
              -Werror
              -Wshadow
              -Wpointer-arith
              -Wstrict-prototypes
              -Wmissing-prototypes
              -Wwrite-strings
              -Wformat=2
              -Wvla
              -Wundef
              -fno-strict-aliasing
              -fno-common
              -fstack-protector-strong)
if(RINGCAST_SANITIZE)
    target_compile_options(ringcast_flags INTERFACE -fsanitize=${RINGCAST_SANITIZE} -fno-omit-frame-pointer
                                                    -fno-sanitize-recover=all)
    target_link_options(ringcast_flags INTERFACE -fsanitize=${RINGCAST_SANITIZE})
else()
    # _FORTIFY_SOURCE hides what the sanitizers intercept, so it is for plain builds only.
    target_compile_options(ringcast_flags INTERFACE $<$<NOT:$<CONFIG:Debug>>:-D_FORTIFY_SOURCE=2>)
endif()
target_link_options(ringcast_flags INTERFACE -Wl,-z,relro,-z,now)

# ringcast_static_library(NAME SOURCES a.c b.c [LIBRARIES x y])
# A static library of one concept.
function(ringcast_static_library name)
    cmake_parse_arguments(ARG "" "" "SOURCES;LIBRARIES" ${ARGN})
    add_library(${name} STATIC ${ARG_SOURCES})
    set_target_properties(${name} PROPERTIES POSITION_INDEPENDENT_CODE ON)
    target_link_libraries(${name} PUBLIC ${ARG_LIBRARIES} PRIVATE ringcast::flags)
endfunction()

# ringcast_program(NAME [INSTALL] SOURCES a.c b.c [LIBRARIES x y])
# INSTALL: it is one of ringcast's own, which find each other in one directory.
function(ringcast_program name)
    cmake_parse_arguments(ARG "INSTALL" "" "SOURCES;LIBRARIES" ${ARGN})
    add_executable(${name} ${ARG_SOURCES})
    target_link_libraries(${name} PRIVATE ${ARG_LIBRARIES} ringcast::flags)
    if(ARG_INSTALL)
        install(TARGETS ${name} RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
    endif()
endfunction()
