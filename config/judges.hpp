// SPDX-License-Identifier: Apache-2.0
// The checks of certificates and keys that the loader's caller supplies.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "config/config.hpp"

namespace fusewire::config {

// What only a TLS library can tell, and the loader links none: whether certificates, keys and authorities are sound.
struct Finding {
  std::string key;  // of the section: certificate, private_key, …
  std::string message;
};
struct Judges {
  std::function<std::vector<Finding>(const ListenerTls&)> listener_tls = {};
  std::function<std::vector<Finding>(const UpstreamTls&)> upstream_tls = {};
  // What is wrong with the JSON text of a webhook's template; empty: nothing.
  std::function<std::string(const std::string&)> webhook_template = {};
};

}  // namespace fusewire::config
