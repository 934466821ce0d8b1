// SPDX-License-Identifier: Apache-2.0
// The few Asio types that the data plane is built of, with executors spelled out (no any_io_executor on the hot path).
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/basic_stream_socket.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/system/error_code.hpp>

namespace fusewire::proxy {

namespace asio = boost::asio;
using boost::system::error_code;

using Executor = asio::io_context::executor_type;
using Protocol = asio::generic::stream_protocol;  // TCP and unix sockets alike
using Socket = asio::basic_stream_socket<Protocol, Executor>;

// What the admin and the demo are written in; the data plane has a Task of its own (task.hpp).
template <class T>
using AsioTask = asio::awaitable<T, Executor>;
inline constexpr asio::use_awaitable_t<Executor> use_task;

}  // namespace fusewire::proxy
