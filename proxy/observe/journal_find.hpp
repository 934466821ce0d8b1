// SPDX-License-Identifier: Apache-2.0
// What the journal has of an id. Apart from journal.hpp, which all that runs on a worker includes.
#pragma once

#include <cstddef>
#include <vector>

#include "proxy/observe/journal.hpp"
#include "proxy/observe/journal_entry.hpp"

namespace fusewire::proxy {

struct Journal::Found {
  std::vector<JournalEntry> entries;
  std::size_t total = 0;
};

}  // namespace fusewire::proxy
