// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "proxy/admin/explain_step.hpp"

namespace fusewire::proxy::admin {

// A filter's note of a call, in words. `rank`: its place among what happens in one moment.
ExplainStep explain_note(const JournalEntry::Call&, const Note&);
int rank_of(Decision);

// Places of what no note says.
inline constexpr int kRankPermit = 40;
inline constexpr int kRankDeadline = 50;
inline constexpr int kRankAttempt = 60;
inline constexpr int kRankVerdict = 80;

}  // namespace fusewire::proxy::admin
