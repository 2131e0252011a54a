# SPDX-License-Identifier: Apache-2.0
# How everything is compiled: standard, warnings, sanitizers, ccache and linker.
include(GNUInstallDirs)

set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_CXX_SCAN_FOR_MODULES OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(THREADS_PREFER_PTHREAD_FLAG ON)
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/bin)

if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE Release CACHE STRING "Build type" FORCE)
endif()
# check() stays on in every build; NDEBUG only silences assert() of libraries.
set(CMAKE_CXX_FLAGS_DEBUG "-O0 -g1")
set(CMAKE_CXX_FLAGS_RELEASE "-O2 -g1 -DNDEBUG")

# Ours alone: linked privately, so that third-party code is not held to it.
add_library(fasti_warnings INTERFACE)
target_compile_options(fasti_warnings INTERFACE -Wall -Wextra -Wpedantic -Wconversion -Wshadow
                       $<$<BOOL:${FASTI_WERROR}>:-Werror>)
# GCC 12 takes a std::string that is moved through operator+ for an overlap or an overrun (GCC bugs 105329 and
# 105651). These warnings of its optimiser stay visible, but they do not fail a build.
target_compile_options(fasti_warnings INTERFACE
  $<$<AND:$<BOOL:${FASTI_WERROR}>,$<CXX_COMPILER_ID:GNU>>:-Wno-error=array-bounds;-Wno-error=restrict;-Wno-error=stringop-overflow;-Wno-error=stringop-overread;-Wno-error=maybe-uninitialized>)

add_compile_options(-pthread)
if(FASTI_PCH)
  add_compile_options(-fpch-preprocess)  # ccache cannot see into precompiled headers without it
endif()
if(FASTI_SANITIZE)
  add_compile_options(-fsanitize=${FASTI_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
  add_link_options(-fsanitize=${FASTI_SANITIZE})
endif()
if(FASTI_FUZZ)
  if(NOT CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
    message(FATAL_ERROR "FASTI_FUZZ needs Clang (libFuzzer): cmake --preset fuzz")
  endif()
  add_compile_options(-fsanitize=fuzzer-no-link)
endif()

# Paths in messages and debug information start at the repository root, whoever builds where.
add_compile_options(-ffile-prefix-map=${PROJECT_SOURCE_DIR}/=)

find_program(FASTI_CCACHE_PROGRAM ccache)
if(FASTI_CCACHE AND FASTI_CCACHE_PROGRAM AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  # Relative paths and no hashed folder: other work trees of this repository share the hits.
  set(CMAKE_CXX_COMPILER_LAUNCHER
      ${CMAKE_COMMAND} -E env CCACHE_BASEDIR=${PROJECT_SOURCE_DIR} CCACHE_NOHASHDIR=1
      CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime
      ${FASTI_CCACHE_PROGRAM})
endif()

# mold first; a linker named by the user through CMAKE_EXE_LINKER_FLAGS wins.
find_program(FASTI_MOLD mold)
find_program(FASTI_LLD NAMES ld.lld ld.lld-14)
if(NOT CMAKE_EXE_LINKER_FLAGS MATCHES "-fuse-ld")
  if(FASTI_MOLD)
    add_link_options(-fuse-ld=mold)
  elseif(FASTI_LLD AND CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
    add_link_options(-fuse-ld=lld)
  endif()
endif()
