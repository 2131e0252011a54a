# SPDX-License-Identifier: Apache-2.0
# The functions by which everything in the tree is declared. Each call also leaves a row in
# <build>/modules.json, which ops/check/layers.py compares with the files.
include_guard()
include(CMakeParseArguments)

# "eventstore/port" -> eventstore_port
function(_fasti_target out path)
  string(REPLACE "/" "_" name ${path})
  set(${out} ${name} PARENT_SCOPE)
endfunction()

# ["a", "b"] from a list
function(_fasti_json out)
  list(TRANSFORM ARGN REPLACE "(.+)" "\"\\1\"")
  list(JOIN ARGN ", " text)
  set(${out} "[${text}]" PARENT_SCOPE)
endfunction()

function(_fasti_row kind path name)
  cmake_parse_arguments(row "" "" "NEEDS;USES;SOURCES;TESTS;TEST_NEEDS;TEST_USES" ${ARGN})
  set(text "{\"kind\": \"${kind}\", \"path\": \"${path}\", \"name\": \"${name}\"")
  foreach(field NEEDS USES SOURCES TESTS TEST_NEEDS TEST_USES)
    string(TOLOWER ${field} key)
    _fasti_json(value ${row_${field}})
    string(APPEND text ", \"${key}\": ${value}")
  endforeach()
  set_property(GLOBAL APPEND PROPERTY FASTI_ROWS "${text}}")
endfunction()

# NEEDS may only name modules declared above: that makes a cycle impossible and keeps arrow order.
function(_fasti_link target visibility who)
  foreach(need ${ARGN})
    _fasti_target(needed ${need})
    if(NOT TARGET ${needed})
      message(FATAL_ERROR "${who} NEEDS ${need}, which no fasti_module() call above it declares")
    endif()
    target_link_libraries(${target} ${visibility} fasti::${needed})
  endforeach()
endfunction()

# Nobody measures the code of a test, and it is two fifths of what is compiled: -O1 for it in optimised builds. Of
# the undefined-behaviour checks it leaves out those on every single access, which cost up to two fifths of the
# time; a null pointer still ends the run (decision 0011). The modules under test keep everything.
function(_fasti_cheap_to_compile target)
  target_compile_options(${target} PRIVATE $<$<CONFIG:Release>:-O1>)
  if(FASTI_SANITIZE MATCHES "undefined")
    target_compile_options(${target} PRIVATE -fno-sanitize=null,alignment,object-size,vptr)
  endif()
endfunction()

# Precompiled headers halve a build from nothing (FASTI_PCH: ci and sanitizer presets). Daily builds have none,
# so that a missing include shows and work trees share ccache. Asio's definitions would make them invalid.
function(_fasti_precompile target kind uses)
  if(NOT FASTI_PCH OR "asio" IN_LIST uses)
    return()
  endif()
  if(NOT TARGET fasti_pch_${kind})
    file(WRITE ${PROJECT_BINARY_DIR}/pch_${kind}.cpp "")
    add_library(fasti_pch_${kind} STATIC ${PROJECT_BINARY_DIR}/pch_${kind}.cpp)
    target_link_libraries(fasti_pch_${kind} PRIVATE fasti_warnings)
    set(headers <algorithm> <array> <chrono> <cstdint> <functional> <memory> <optional> <span> <string>
        <string_view> <unordered_map> <utility> <variant> <vector>)
    if(kind STREQUAL "test")
      target_link_libraries(fasti_pch_test PRIVATE GTest::gmock GTest::gtest)
      _fasti_cheap_to_compile(fasti_pch_test)  # options must be those of its users
      list(APPEND headers <gmock/gmock.h> <gtest/gtest.h>)
    endif()
    target_precompile_headers(fasti_pch_${kind} PRIVATE ${headers})
  endif()
  target_precompile_headers(${target} REUSE_FROM fasti_pch_${kind})
endfunction()

# fasti_module(PATH layer/module [NEEDS layer/module...] [USES library...] [SOURCES file.cpp...]
#              [TESTS tests/unit/x_test.cpp...] [TEST_NEEDS layer/module...] [TEST_USES library...])
# Makes the static library layer_module, alias fasti::layer_module (an interface library without sources).
# SOURCES are relative to PATH, TESTS to the root. Each test file is one executable and one ctest entry,
# linked with the module and TEST_NEEDS only (tests/support among them where it is used), so that an upward
# call does not link. A test may include what its module may, and TEST_NEEDS.
function(fasti_module)
  cmake_parse_arguments(arg "" "PATH" "NEEDS;USES;SOURCES;TESTS;TEST_NEEDS;TEST_USES" ${ARGN})
  if(arg_UNPARSED_ARGUMENTS OR NOT arg_PATH)
    message(FATAL_ERROR "fasti_module(${arg_PATH}): not understood: ${arg_UNPARSED_ARGUMENTS}")
  endif()
  _fasti_target(target ${arg_PATH})
  set(sources ${arg_SOURCES})
  list(TRANSFORM sources PREPEND ${arg_PATH}/)
  if(sources)
    set(visibility PUBLIC)
    set(uses_visibility PRIVATE)
    add_library(${target} STATIC ${sources})
    target_link_libraries(${target} PRIVATE fasti_warnings)
    _fasti_precompile(${target} module "${arg_USES}")
  else()
    set(visibility INTERFACE)
    set(uses_visibility INTERFACE)
    add_library(${target} INTERFACE)
  endif()
  add_library(fasti::${target} ALIAS ${target})
  target_include_directories(${target} ${visibility} ${PROJECT_SOURCE_DIR})
  _fasti_link(${target} ${visibility} "${arg_PATH}" ${arg_NEEDS})
  foreach(use ${arg_USES})
    fasti_use(${target} ${uses_visibility} ${use})
  endforeach()
  _fasti_row(module ${arg_PATH} ${target} NEEDS ${arg_NEEDS} USES ${arg_USES} SOURCES ${sources}
             TESTS ${arg_TESTS} TEST_NEEDS ${arg_TEST_NEEDS} TEST_USES ${arg_TEST_USES})
  foreach(test ${arg_TESTS})
    get_filename_component(name ${test} NAME_WE)
    _fasti_gtest(${name} "${test}" "${arg_PATH};${arg_TEST_NEEDS}" "${arg_TEST_USES}")
  endforeach()
endfunction()

# One GoogleTest executable and its ctest entry, labelled by the folder under tests/. It runs in the
# repository root, so tests name their data files from there.
function(_fasti_gtest name sources needs uses)
  if(NOT FASTI_TESTS OR FASTI_FUZZ)
    return()
  endif()
  list(GET sources 0 first)
  string(REGEX REPLACE "^tests/([^/]+)/.*$" "\\1" label ${first})
  find_package(GTest REQUIRED)
  add_executable(${name} ${sources})
  target_include_directories(${name} PRIVATE ${PROJECT_SOURCE_DIR})
  foreach(need ${needs})  # may be declared further down: an unknown one fails when CMake generates
    _fasti_target(needed ${need})
    target_link_libraries(${name} PRIVATE fasti::${needed})
  endforeach()
  foreach(use ${uses})
    fasti_use(${name} PRIVATE ${use})
  endforeach()
  target_link_libraries(${name} PRIVATE fasti_warnings GTest::gmock GTest::gtest_main)
  _fasti_cheap_to_compile(${name})
  _fasti_precompile(${name} test "${uses}")
  add_test(NAME ${name} COMMAND ${name} --gtest_brief=1 WORKING_DIRECTORY ${PROJECT_SOURCE_DIR})
  # rapidcheck draws a new seed for each run unless told: a test gives the same answer every time here
  set_tests_properties(${name} PROPERTIES LABELS ${label} TIMEOUT 300 ENVIRONMENT "RC_PARAMS=seed=20260401")
endfunction()

# A test that spans modules.
#   fasti_test(NAME ledger_test SOURCES tests/contract/ledger_test.cpp NEEDS ... [USES ...])    GoogleTest
#   fasti_test(NAME crash SCRIPT tests/e2e/crash.py [ARGS ...] [LABEL e2e] [TIMEOUT seconds])   Python
# SERIAL: runs alone (kill under load, timing). A script gets FASTI_BINARY (the built fasti) and FASTI_BUILD_DIR in its environment
# and ends with 77 when what it needs is not there.
function(fasti_test)
  cmake_parse_arguments(arg "SERIAL" "NAME;SCRIPT;LABEL;TIMEOUT" "SOURCES;NEEDS;USES;ARGS" ${ARGN})
  if(arg_UNPARSED_ARGUMENTS OR NOT arg_NAME)
    message(FATAL_ERROR "fasti_test(${arg_NAME}): not understood: ${arg_UNPARSED_ARGUMENTS}")
  endif()
  if(NOT arg_TIMEOUT)
    set(arg_TIMEOUT 300)
  endif()
  if(arg_SOURCES)
    _fasti_row(test ${arg_NAME} ${arg_NAME} NEEDS ${arg_NEEDS} USES ${arg_USES} SOURCES ${arg_SOURCES})
    _fasti_gtest(${arg_NAME} "${arg_SOURCES}" "${arg_NEEDS}" "${arg_USES}")
    if(TEST ${arg_NAME})
      set_tests_properties(${arg_NAME} PROPERTIES TIMEOUT ${arg_TIMEOUT} RUN_SERIAL ${arg_SERIAL})
    endif()
    return()
  endif()
  if(NOT FASTI_TESTS OR FASTI_FUZZ)
    return()
  endif()
  if(NOT Python3_Interpreter_FOUND)
    message(STATUS "test ${arg_NAME} left out: no python3 of version 3.11 or newer")
    return()
  endif()
  if(NOT arg_LABEL)
    string(REGEX REPLACE "^tests/([^/]+)/.*$" "\\1" arg_LABEL ${arg_SCRIPT})
  endif()
  if(arg_LABEL STREQUAL "bench" AND FASTI_SANITIZE)
    return()  # its binaries are not built there
  endif()
  add_test(NAME ${arg_NAME} COMMAND Python3::Interpreter -B ${PROJECT_SOURCE_DIR}/${arg_SCRIPT} ${arg_ARGS}
           WORKING_DIRECTORY ${PROJECT_SOURCE_DIR})
  set_tests_properties(${arg_NAME} PROPERTIES LABELS ${arg_LABEL} TIMEOUT ${arg_TIMEOUT}
    RUN_SERIAL ${arg_SERIAL} SKIP_RETURN_CODE 77 ENVIRONMENT
    "FASTI_BINARY=${PROJECT_BINARY_DIR}/bin/fasti;FASTI_BUILD_DIR=${PROJECT_BINARY_DIR}")
endfunction()

# fasti_executable(NAME fasti SOURCES adapters/daemon/main.cpp NEEDS ... [USES ...] [INSTALL])
# SOURCES are relative to the root.
function(fasti_executable)
  cmake_parse_arguments(arg "INSTALL" "NAME" "SOURCES;NEEDS;USES" ${ARGN})
  if(arg_UNPARSED_ARGUMENTS OR NOT arg_NAME)
    message(FATAL_ERROR "fasti_executable(${arg_NAME}): not understood: ${arg_UNPARSED_ARGUMENTS}")
  endif()
  _fasti_row(executable ${arg_NAME} ${arg_NAME} NEEDS ${arg_NEEDS} USES ${arg_USES} SOURCES ${arg_SOURCES})
  add_executable(${arg_NAME} ${arg_SOURCES})
  target_include_directories(${arg_NAME} PRIVATE ${PROJECT_SOURCE_DIR})
  _fasti_link(${arg_NAME} PRIVATE "executable ${arg_NAME}" ${arg_NEEDS})
  foreach(use ${arg_USES})
    fasti_use(${arg_NAME} PRIVATE ${use})
  endforeach()
  target_link_libraries(${arg_NAME} PRIVATE fasti_warnings)
  target_compile_definitions(${arg_NAME} PRIVATE FASTI_VERSION="${PROJECT_VERSION}")
  _fasti_precompile(${arg_NAME} module "${arg_USES}")
  if(arg_SOURCES MATCHES "(^|;)tests/bench/")
    if(NOT TARGET benches)
      add_custom_target(benches)
    endif()
    add_dependencies(benches ${arg_NAME})
    if(FASTI_SANITIZE)  # nobody measures there
      set_target_properties(${arg_NAME} PROPERTIES EXCLUDE_FROM_ALL ON)
    endif()
  endif()
  if(arg_INSTALL)
    install(TARGETS ${arg_NAME} RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
  endif()
endfunction()

# fasti_fuzz(NAME fuzz_json SOURCES tests/fuzz/fuzz_json.cpp NEEDS ... [USES ...])
# The source defines LLVMFuzzerTestOneInput. With FASTI_FUZZ it becomes a libFuzzer binary; in every other
# build it is linked with a small main that plays the committed corpus tests/fuzz/corpus/<name>/ once.
function(fasti_fuzz)
  cmake_parse_arguments(arg "" "NAME" "SOURCES;NEEDS;USES" ${ARGN})
  if(arg_UNPARSED_ARGUMENTS OR NOT arg_NAME)
    message(FATAL_ERROR "fasti_fuzz(${arg_NAME}): not understood: ${arg_UNPARSED_ARGUMENTS}")
  endif()
  if(NOT FASTI_TESTS AND NOT FASTI_FUZZ)
    return()
  endif()
  fasti_executable(NAME ${arg_NAME} SOURCES ${arg_SOURCES} NEEDS ${arg_NEEDS} USES ${arg_USES})
  if(FASTI_FUZZ)
    target_link_options(${arg_NAME} PRIVATE -fsanitize=fuzzer)
    if(NOT TARGET fuzzers)
      add_custom_target(fuzzers)
    endif()
    add_dependencies(fuzzers ${arg_NAME})
  else()
    target_sources(${arg_NAME} PRIVATE ${PROJECT_SOURCE_DIR}/tests/fuzz/play_corpus.cpp)
    add_test(NAME ${arg_NAME} COMMAND ${arg_NAME} tests/fuzz/corpus/${arg_NAME}
             WORKING_DIRECTORY ${PROJECT_SOURCE_DIR})
    set_tests_properties(${arg_NAME} PROPERTIES LABELS fuzz TIMEOUT 120)
  endif()
endfunction()

# The checkers as tests with the label check; they read modules.json, so fasti_finish() adds them.
function(_fasti_checks)
  if(NOT FASTI_TESTS OR FASTI_FUZZ)
    return()
  endif()
  set(build --build ${PROJECT_BINARY_DIR})
  fasti_test(NAME check_layers SCRIPT ops/check/layers.py ARGS ${build} LABEL check)
  fasti_test(NAME check_tidy SCRIPT ops/check/tidy.py ARGS ${build} LABEL check)
  fasti_test(NAME check_stale SCRIPT ops/codegen/gen.py ARGS --check LABEL check)
  fasti_test(NAME check_checkers SCRIPT ops/check/checkers_test.py LABEL check)
  fasti_test(NAME check_dev SCRIPT ops/check/dev_test.py LABEL check)
  find_program(FASTI_CLANG_FORMAT clang-format-14)
  if(FASTI_CLANG_FORMAT)
    fasti_test(NAME check_format SCRIPT ops/check/format.py LABEL check)
  else()
    message(STATUS "test check_format left out: no clang-format-14")
  endif()
endfunction()

# Writes the rows; the last call of the root file.
function(fasti_finish)
  _fasti_checks()
  get_property(rows GLOBAL PROPERTY FASTI_ROWS)
  list(JOIN rows ",\n " text)
  file(WRITE ${PROJECT_BINARY_DIR}/modules.json "[${text}]\n")
  list(LENGTH rows count)
  message(STATUS "fasti ${PROJECT_VERSION}: ${count} modules, executables and tests declared")
endfunction()

find_package(Python3 3.11 COMPONENTS Interpreter)
