// SPDX-License-Identifier: Apache-2.0
// Asio, its TLS part and Beast, compiled once for the whole tree.
#include <boost/asio/impl/src.hpp>
#include <boost/asio/ssl/impl/src.hpp>
#include <boost/beast/src.hpp>
