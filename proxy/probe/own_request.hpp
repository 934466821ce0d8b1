// SPDX-License-Identifier: Apache-2.0
// A request of the proxy's own at one address: a health check, or a probe of a breaker that is open. It has a
// connection of its own, which is in no pool and no limit, and goes through no filter. One thread (its worker's); lives
// as long as its coroutine.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "filters/health/check_result.hpp"
#include "proxy/http/body_decoder.hpp"
#include "proxy/http/head_progress.hpp"
#include "proxy/net/connector.hpp"
#include "proxy/snapshot/snapshot.hpp"
#include "proxy/upstream/worker_context.hpp"

namespace fusewire::proxy {

class OwnRequest final : public WorkerTask, private Watcher {
 public:
  struct Wanted {
    std::shared_ptr<const Snapshot> snapshot;  // pinned until the end
    const Upstream* upstream = nullptr;        // in it
    std::shared_ptr<EndpointState> endpoint;
    SocketAddress address;
    std::shared_ptr<AddressState> state;  // of that address; nullptr in tests
    std::string path = {};                // empty: the connection alone, and the TLS handshake
    milliseconds timeout{1000};
  };
  // Called once, at the end, unless cancel() came first; the answer of a connection alone is a status of 0.
  using Done = std::function<void(const health::Answer&)>;

  // Begins at once, and returns when it has to wait. nullptr: it has ended by then.
  static std::shared_ptr<OwnRequest> start(WorkerContext&, Wanted, Done);

  OwnRequest(WorkerContext&, Wanted, Done);
  ~OwnRequest();

  // It ends now, and nobody hears of it.
  void cancel();
  void stop() override { cancel(); }

 private:
  static Task<void> run(std::shared_ptr<OwnRequest>);
  Task<void> connect();
  Task<void> secure();
  Task<void> exchange();
  Task<void> read_head();
  Task<void> read_body();
  Task<bool> more(Outcome timeout);
  bool take_head();
  void end(Outcome);
  bool is_over() const { return outcome_ != Outcome::pending; }
  void on_activity() override { event_.set(); }
  void on_deadline();

  WorkerContext& worker_;
  const Wanted wanted_;
  Done done_;
  Event event_;
  Deadline deadline_;
  const Time until_;
  bool late_ = false;  // it has not ended by then
  ChannelPtr channel_;
  std::string head_;  // that is sent
  http::HeadProgress head_progress_;
  Response response_;
  http::BodyDecoder body_;
  unsigned interims_ = 0;
  bool has_head_ = false;
  int status_ = 0;
  Outcome outcome_ = Outcome::pending;
};

}  // namespace fusewire::proxy
