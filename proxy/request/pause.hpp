// SPDX-License-Identifier: Apache-2.0
// How a call stands still while nothing is asked of its upstream: in a queue, behind somebody else's fetch, before a
// retry.
#pragma once

#include <optional>

#include "filters/outcome.hpp"
#include "filters/step.hpp"
#include "proxy/net/task.hpp"
#include "proxy/upstream/inbound.hpp"
#include "proxy/upstream/worker_context.hpp"

namespace fusewire::proxy {

// A part of its CallRunner, on its thread. Each pause ends early when the client leaves, or `cut_off` is set.
class Pause {
 public:
  Pause(WorkerContext& worker, Inbound& inbound, const std::optional<Outcome>& cut_off)
      : worker_(worker), inbound_(inbound), cut_off_(cut_off) {}

  // Until what a filter waits for has come, or it waits no longer.
  Task<void> until_come(const Wait&);
  Task<void> until(Time);
  bool is_broken() const { return cut_off_ || inbound_.client.gone(); }

 private:
  WorkerContext& worker_;
  Inbound& inbound_;
  const std::optional<Outcome>& cut_off_;
};

}  // namespace fusewire::proxy
