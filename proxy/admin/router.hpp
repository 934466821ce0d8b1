// SPDX-License-Identifier: Apache-2.0
// From a request to its answer: target, Host, path, method, permission, handler, in this order. Control thread.
#pragma once

#include "proxy/admin/json_views.hpp"
#include "proxy/admin/message.hpp"

namespace fusewire::proxy::admin {

enum class Door {
  admin,   // everything
  probes,  // /admin/health, /admin/ready and /metrics, and nothing else; no token
};

// What a handler is given; valid during the call.
struct Call {
  Control& control;
  const Request& request;
  const Target& target;
  std::string name;  // what stands in the path's {name}
  Moment now;
};

// What can be said before the body is read: a refusal, if there is one.
std::optional<Reply> refuse(const Control&, Door, const Request&);
// The answer to a request that refuse() has let pass.
Reply answer(Control&, Door, const Request&, Moment now);

}  // namespace fusewire::proxy::admin
