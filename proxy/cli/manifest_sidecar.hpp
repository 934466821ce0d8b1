// SPDX-License-Identifier: Apache-2.0
// Puts Fusewire into the pods of Kubernetes manifests, as a native sidecar, and takes it out again.
#pragma once

#include <string>

#include "proxy/cli/manifest_value.hpp"

namespace fusewire::cli::manifest {

struct Sidecar {
  std::string image;
  std::string config_map;  // mounted as a folder; holds fusewire.yaml
};

// Each returns the number of pods, and pod templates, that it has looked at. A second injection changes what the first
// one has put in, and adds nothing. Throws Error where a pod has another container or volume of that name.
std::size_t inject(std::vector<Value>& documents, const Sidecar&);
std::size_t uninject(std::vector<Value>& documents);

}  // namespace fusewire::cli::manifest
