// SPDX-License-Identifier: Apache-2.0
// A stored response is asked for anew behind the backs of clients (stale-while-revalidate): a request of the proxy's
// own, through the same filters, whose response goes to the cache alone. One thread (its worker's); lives as long as
// its coroutine.
#pragma once

#include <memory>
#include <string>

#include "filters/counted_place.hpp"
#include "proxy/request/call_runner.hpp"
#include "proxy/upstream/inbound.hpp"
#include "proxy/upstream/worker_context.hpp"

namespace fusewire::proxy {

class Refresh final : public WorkerTask, public std::enable_shared_from_this<Refresh> {
 public:
  // What `answered` was answered with a moment ago, when `asked` was asked for. Returns when it has to wait, at the
  // latest. Does nothing while descriptors are few, or the upstream is asked for many others in the background: else
  // one client's stale answers, whose cookie makes the upstream hang, could take all places of the upstream.
  static void start(WorkerContext&, const Inbound& asked, std::shared_ptr<const Snapshot>, const CallRunner& answered);

  Refresh(WorkerContext&, const Inbound& asked, std::shared_ptr<const Snapshot>, const CallRunner& answered,
          CountedPlace);
  ~Refresh();

  void stop() override;  // cut off now

 private:
  static Task<void> run(std::shared_ptr<Refresh>);
  void copy_request(const Request&);
  Task<void> read_body(CallRunner&);

  WorkerContext& worker_;
  std::shared_ptr<const Snapshot> snapshot_;
  CountedPlace place_;
  NoClient nobody_;
  Event event_;
  Inbound inbound_;
  std::string text_;           // what the request's views point into
  config::Fallback fallback_;  // without a chain: there is nobody to be answered
  RequestContext context_;
  CallRunner call_;
};

}  // namespace fusewire::proxy
