// SPDX-License-Identifier: Apache-2.0
// A request's way, decision by decision: each as a code and as a sentence for a person.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "proxy/observe/journal_entry.hpp"

namespace fusewire::proxy::admin {

struct ExplainStep {
  std::uint32_t at_us = 0;
  std::string upstream = {};       // whose call it belongs to; empty: the request itself
  std::string_view filter = {};    // "breaker"
  std::string_view decision = {};  // "rejected"
  std::string_view reason = {};    // "forced_open"; empty: there is nothing to be said
  std::string sentence = {};
};

// In the order of time; what happened in the same microsecond in the order of the filters.
std::vector<ExplainStep> explain_steps(const JournalEntry&);
// What came of it, in one sentence.
std::string explain_summary(const JournalEntry&);
// "cache", "upstream", "static", or empty where no fallback answered: as in the access log.
std::string_view fallback_step(const JournalEntry&);

// "3.2 ms", "1.5 s".
std::string duration_words(std::uint32_t us);
// Printable ASCII stays; all else becomes \xNN, so that what a client has sent harms no terminal.
std::string printable(std::string_view);

}  // namespace fusewire::proxy::admin
