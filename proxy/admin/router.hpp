// SPDX-License-Identifier: Apache-2.0
// From a request to its answer: target, Host, path, method, permission, handler, in this order.
#pragma once

#include <memory>
#include <string>

#include "proxy/admin/json_views.hpp"
#include "proxy/admin/message.hpp"
#include "proxy/admin/metrics/exposition.hpp"

namespace fusewire::proxy::admin {

enum class Interface {
  admin,   // everything
  probes,  // /admin/health, /admin/ready and /metrics, and nothing else; no token
};

// Where the handler of a request is to run.
enum class RunsOn {
  admin_thread,    // it only reads, and not much
  control_thread,  // it changes something
  reload,          // a reload, which may wait for a name to be looked up: reload_reply() makes the answer of its report
  aside,           // it may take long, and touches what is thread-safe
  scrape,          // no handler runs: the answer is the shared text of /metrics
};

inline constexpr std::size_t kMaxBody = 4 * config::kMiB;  // a configuration to be judged; other calls take less

// The arguments of a handler, valid during the call. It may use only those members of `control` that any thread may
// use, unless it runs on the control thread.
struct Call {
  Control& control;
  const ControlView& view;
  const Request& request;
  const Target& target;
  std::string name;  // what stands in the path's {name}
  Moment now;
};

// The refusal that does not depend on the body, if there is one. Admin thread.
std::optional<Reply> refuse(const Control&, Interface, const Request&);
// Of a request that refuse() has let pass.
struct Handling {
  RunsOn runs_on;
  std::size_t max_body;
};
Handling handling(Interface, const Request&);
// The answer to it; to be called where it runs.
Reply answer(Control&, Interface, const Request&, Moment now);
// The answer to POST /admin/config/reload. Control thread.
Reply reload_reply(const ReloadReport&, const Request&);
// The answer to GET /metrics in that form; nullptr: the text could not be made.
Reply scrape_reply(std::shared_ptr<const std::string> text, const Exposition&);

}  // namespace fusewire::proxy::admin
