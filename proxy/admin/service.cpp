// SPDX-License-Identifier: Apache-2.0
#include "proxy/admin/service.hpp"

#include <stdexcept>
#include <utility>

#include "config/addresses.hpp"
#include "config/from_variables.hpp"

namespace fusewire::proxy::admin {

namespace {

bool is_at(const std::unique_ptr<AdminServer>& current, const config::Address& address) {
  return current && current->address() == address;
}

}  // namespace

std::string Service::open(const config::Config& config, const ListenNames& names, PassedSockets& passed) {
  const config::Admin& wanted = config.admin;
  const char* key = "address";
  const auto options = [&](const config::Address& address) {
    return ListenOptions{.shown = config::shown(config, {"admin", key}, config::format_address(address)),
                         .found = names.find(address),
                         .passed = &passed};
  };
  try {
    auto next_admin = unless_open(admin_, wanted.address, Interface::admin, options(wanted.address));
    key = "probes";
    auto next_probes =
        wanted.probes ? unless_open(probes_, *wanted.probes, Interface::probes, options(*wanted.probes)) : nullptr;
    if (next_admin) admin_ = std::move(next_admin);
    if (next_probes || !wanted.probes) probes_ = std::move(next_probes);
  } catch (const std::exception& error) {
    return std::string("admin.") + key + ": " + error.what();
  }
  return {};
}

std::vector<config::Address> Service::unopened(const config::Admin& wanted) const {
  std::vector<config::Address> addresses;
  if (!is_at(admin_, wanted.address)) addresses.push_back(wanted.address);
  if (wanted.probes && !is_at(probes_, *wanted.probes)) addresses.push_back(*wanted.probes);
  return addresses;
}

std::unique_ptr<AdminServer> Service::unless_open(const std::unique_ptr<AdminServer>& current,
                                                  const config::Address& address, Interface interface,
                                                  const ListenOptions& options) {
  if (is_at(current, address)) return nullptr;
  return std::make_unique<AdminServer>(thread_, address, interface, options);
}

void Service::close() {
  admin_.reset();
  probes_.reset();
}

}  // namespace fusewire::proxy::admin
