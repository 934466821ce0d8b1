// SPDX-License-Identifier: Apache-2.0
// The address of the admin API that a command asks, and the token for it.
#pragma once

#include <stdexcept>
#include <string>

#include "config/config.hpp"
#include "proxy/cli/options.hpp"

namespace fusewire::cli {

// Bad usage: one clear line.
struct BadUsage : std::runtime_error {
  using std::runtime_error::runtime_error;
};

struct AdminAccess {
  config::Endpoint endpoint;
  std::string token;  // empty: none
  std::string ca;     // file of the authorities to trust for an https:// address; empty: the system's
};

// Address: --admin, -c, FUSEWIRE_ADMIN, FUSEWIRE_CONFIG, http://127.0.0.1:9901; the first there is. Token:
// --token-file, FUSEWIRE_TOKEN, the configuration's. Throws BadUsage. A proxy whose file has turned bad keeps running,
// and its health must not depend on the file: of a bad one the admin section is taken as far as it can be read; where
// that does not give the address, commands that only read ask the default one. A line on stderr says so, and another
// that a token is about to leave this host unencrypted.
AdminAccess find_admin(const Options&, const World&);

}  // namespace fusewire::cli
