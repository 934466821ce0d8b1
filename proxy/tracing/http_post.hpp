// SPDX-License-Identifier: Apache-2.0
// One POST to a server of somebody else's, over a connection of its own: for exporters, on a thread of their own.
#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "config/config.hpp"
#include "proxy/net/asio.hpp"
#include "proxy/net/resolver.hpp"

namespace fusewire::proxy::tracing {

struct PostAnswer {
  int status = 0;          // 0: there was none
  std::string body = {};   // 64 KiB at most
  std::string error = {};  // why there was none
};

// To one of the addresses, the first that can be reached. An https:// server must show a certificate for the endpoint's
// host by one of the system's authorities. All of it takes `limit` at most.
AsioTask<PostAnswer> post_json(asio::io_context&, const config::Endpoint&, std::vector<SocketAddress>,
                               std::string_view target, std::string body, std::chrono::steady_clock::duration limit);

}  // namespace fusewire::proxy::tracing
