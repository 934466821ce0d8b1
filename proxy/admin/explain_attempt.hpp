// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "proxy/observe/journal_entry.hpp"

namespace fusewire::proxy::admin {

// Where it went, on which connection, and how it ended. `number`: from 1, as they began.
std::string attempt_sentence(const JournalEntry::Attempt&, std::size_t number);

// "it refused the connection"
std::string_view outcome_sentence(Outcome);
// Of what a retry or a fallback follows; `status` where that is an answer: "the upstream answered 503".
std::string trigger_sentence(Trigger, int status);

}  // namespace fusewire::proxy::admin
