// SPDX-License-Identifier: Apache-2.0
#include "proxy/admin/dashboard/assets.hpp"

#include <algorithm>

namespace fusewire::proxy::admin::dashboard {

const Asset* find_asset(std::string_view name) {
  const auto all = assets();
  const auto found = std::ranges::find(all, name, &Asset::name);
  return found == all.end() ? nullptr : &*found;
}

}  // namespace fusewire::proxy::admin::dashboard
