// SPDX-License-Identifier: Apache-2.0
#include "proxy/admin/service.hpp"

#include <stdexcept>
#include <utility>

#include "config/addresses.hpp"
#include "config/from_variables.hpp"

namespace fusewire::proxy::admin {

std::string Service::open(const config::Config& config) {
  const config::Admin& wanted = config.admin;
  const auto shown = [&config](const char* key, const config::Address& address) {
    return config::shown(config, {"admin", key}, config::format_address(address));
  };
  try {
    auto next_admin = unless_open(admin_, wanted.address, Interface::admin, shown("address", wanted.address));
    auto next_probes = wanted.probes
                           ? unless_open(probes_, *wanted.probes, Interface::probes, shown("probes", *wanted.probes))
                           : nullptr;
    if (next_admin) admin_ = std::move(next_admin);
    if (next_probes || !wanted.probes) probes_ = std::move(next_probes);
  } catch (const std::exception& error) {
    return std::string("admin: ") + error.what();
  }
  return {};
}

std::unique_ptr<AdminServer> Service::unless_open(const std::unique_ptr<AdminServer>& current,
                                                  const config::Address& address, Interface interface,
                                                  std::string shown) {
  if (current && current->address() == address) return nullptr;
  return std::make_unique<AdminServer>(thread_, address, interface, std::move(shown));
}

void Service::close() {
  admin_.reset();
  probes_.reset();
}

}  // namespace fusewire::proxy::admin
