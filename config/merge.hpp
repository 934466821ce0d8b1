// SPDX-License-Identifier: Apache-2.0
// Lays one map of a document under another: `defaults` under each upstream.
#pragma once

#include "config/node.hpp"

namespace fusewire::config {

// Adds to the map `over` what only `under` says; maps that both have are merged, everything else of `over` stays.
void merge_under(Node& over, const Node& under);

}  // namespace fusewire::config
