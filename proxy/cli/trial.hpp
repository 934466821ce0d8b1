// SPDX-License-Identifier: Apache-2.0
// Tries one thing that a configuration needs, once, and says what to do where it fails. Blocks for as long as it takes.
#pragma once

#include <chrono>
#include <string>

#include "config/config.hpp"

namespace fusewire::cli {

struct Trial {
  bool good = true;
  std::string message;  // what was found
  std::string advice;   // what to do; empty: nothing
};

// `shown`: how the address is named. A socket that was opened is closed again at once.
Trial try_to_listen(const config::Address&, const std::string& shown, bool own_runs);

// Resolves, connects to the first address that takes it, and with `tls` shakes hands as the proxy would.
// `timeout_key`: what the time is called in the configuration.
Trial try_to_connect(const config::Endpoint&, const config::UpstreamTls* tls, std::chrono::milliseconds timeout,
                     const std::string& timeout_key);

}  // namespace fusewire::cli
