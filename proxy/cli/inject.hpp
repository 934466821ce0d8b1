// SPDX-License-Identifier: Apache-2.0
// `fusewire inject`: Kubernetes manifests in, the same with the sidecar out.
#pragma once

#include "proxy/cli/options.hpp"

namespace fusewire::cli {

int inject(const Options&, const World&);

}  // namespace fusewire::cli
