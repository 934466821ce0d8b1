// SPDX-License-Identifier: Apache-2.0
// Starts a coroutine nobody waits for. What it throws is logged: a detached co_spawn would swallow it.
#pragma once

#include <boost/asio/co_spawn.hpp>
#include <exception>

#include "proxy/net/asio.hpp"
#include "proxy/observe/log.hpp"

namespace fusewire::proxy {

inline void spawn(asio::io_context& io, Task<void> task, const char* what) {
  asio::co_spawn(io.get_executor(), std::move(task), [what](std::exception_ptr thrown) {
    if (!thrown) return;
    try {
      std::rethrow_exception(thrown);
    } catch (const std::exception& error) {
      log::error("a coroutine failed", {{"what", std::string_view(what)}, {"error", std::string_view(error.what())}});
    }
  });
}

}  // namespace fusewire::proxy
