// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "config/judges.hpp"
#include "config/node.hpp"
#include "config/report.hpp"

namespace fusewire::config {

// Reports what the judges find in the `tls` sections whose files can be read. `defaults` have been merged.
void judge_certificates(const Node& root, const Judges&, Report&);

// The templates of webhooks, which are JSON.
void judge_templates(const Node& root, const Judges&, Report&);

}  // namespace fusewire::config
