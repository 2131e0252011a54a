# SPDX-License-Identifier: Apache-2.0
# What each name in USES means. A library is looked for when the first module uses it, so that one which
# nobody uses need not be installed. ops/check/layers.py holds the header patterns of the same names.
include_guard()

# boost: header-only parts (containers). asio: Asio, its TLS part and Beast, compiled once.
macro(_fasti_find_boost)
  find_package(Boost 1.81 REQUIRED)
  add_library(fasti_use_boost INTERFACE)
  target_link_libraries(fasti_use_boost INTERFACE Boost::headers)
endmacro()

macro(_fasti_find_asio)
  find_package(Boost 1.81 REQUIRED)
  find_package(OpenSSL 3.0 REQUIRED)
  find_package(Threads REQUIRED)
  add_library(boost_impl STATIC ops/cmake/boost_impl.cpp)
  target_link_libraries(boost_impl PUBLIC Boost::headers OpenSSL::SSL OpenSSL::Crypto Threads::Threads)
  # Public, because units that disagree on these break the one-definition rule.
  target_compile_definitions(boost_impl PUBLIC
    BOOST_ASIO_SEPARATE_COMPILATION BOOST_BEAST_SEPARATE_COMPILATION BOOST_ASIO_NO_DEPRECATED
    BOOST_ASIO_DISABLE_BOOST_DATE_TIME BOOST_ASIO_DISABLE_BOOST_REGEX BOOST_ASIO_DISABLE_BOOST_ARRAY
    BOOST_ASIO_DISABLE_BOOST_BIND)
  add_library(fasti_use_asio INTERFACE)
  target_link_libraries(fasti_use_asio INTERFACE boost_impl)
endmacro()

macro(_fasti_find_package use package)
  find_package(${package} REQUIRED)
  add_library(fasti_use_${use} INTERFACE)
  target_link_libraries(fasti_use_${use} INTERFACE ${ARGN})
endmacro()

# For libraries whose Debian package brings no CMake file. An empty library name: headers only.
macro(_fasti_find_plain use header library)
  find_path(FASTI_${use}_INCLUDE ${header} REQUIRED)
  add_library(fasti_use_${use} INTERFACE)
  target_include_directories(fasti_use_${use} SYSTEM INTERFACE ${FASTI_${use}_INCLUDE})
  if(NOT "${library}" STREQUAL "")
    find_library(FASTI_${use}_LIBRARY ${library} REQUIRED)
    target_link_libraries(fasti_use_${use} INTERFACE ${FASTI_${use}_LIBRARY})
  endif()
endmacro()

# Links target with one library of the list, whose visibility (PRIVATE, INTERFACE) the caller chooses.
function(fasti_use target visibility use)
  if(NOT TARGET fasti_use_${use})
    if(use STREQUAL "boost")
      _fasti_find_boost()
    elseif(use STREQUAL "asio")
      _fasti_find_asio()
    elseif(use STREQUAL "openssl")
      _fasti_find_package(openssl OpenSSL OpenSSL::SSL OpenSSL::Crypto)
    elseif(use STREQUAL "threads")
      _fasti_find_package(threads Threads Threads::Threads)
    elseif(use STREQUAL "curl")
      _fasti_find_package(curl CURL CURL::libcurl)
    elseif(use STREQUAL "gtest")
      _fasti_find_package(gtest GTest GTest::gmock GTest::gtest)
    elseif(use STREQUAL "rapidcheck")
      _fasti_find_plain(rapidcheck rapidcheck.h rapidcheck)
    elseif(use STREQUAL "rapidjson")
      _fasti_find_plain(rapidjson rapidjson/reader.h "")
    elseif(use STREQUAL "protozero")
      _fasti_find_plain(protozero protozero/pbf_reader.hpp "")
    elseif(use STREQUAL "cli11")
      _fasti_find_plain(cli11 CLI/CLI.hpp "")
    elseif(use STREQUAL "tomlplusplus")
      _fasti_find_plain(tomlplusplus toml++/toml.h "")
    elseif(use STREQUAL "xxhash")
      _fasti_find_plain(xxhash xxhash.h xxhash)
    elseif(use STREQUAL "zstd")
      _fasti_find_plain(zstd zstd.h zstd)
    else()
      message(FATAL_ERROR "USES ${use}: not a library that ops/cmake/third_party.cmake knows")
    endif()
  endif()
  target_link_libraries(${target} ${visibility} fasti_use_${use})
endfunction()
