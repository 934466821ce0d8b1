// SPDX-License-Identifier: Apache-2.0
// Calls of the admin API without a connection, over a real Control.
#pragma once

#include <boost/json.hpp>
#include <string>

#include "proxy/admin/router.hpp"
#include "tests/unit/proxy/control/control_rig.hpp"

namespace fusewire::proxy::admin {

namespace json = boost::json;

struct Asked {
  int status = 0;
  json::value body;
  Reply reply;
};

struct Admin : fusewire::testing::ControlRig {
  using ControlRig::ControlRig;

  Reply ask(Request request, Interface interface = Interface::admin) {
    request.hosts = {"127.0.0.1:9901"};
    if (auto refusal = refuse(control, interface, request)) return *refusal;
    return answer(control, interface, request, now);
  }
  Asked json_of(Reply reply) { return {reply.status, json::parse(reply.body), reply}; }
  Asked get(const std::string& target, Interface interface = Interface::admin) {
    Request request;
    request.method = "GET";
    request.target = target;
    return json_of(ask(request, interface));
  }
  Asked change(const std::string& target, const std::string& body = "", const std::string& method = "POST") {
    Request request;
    request.method = method;
    request.target = target;
    request.body = body;
    request.has_body = !body.empty();
    request.authorizations = {"Bearer secret"};
    return json_of(ask(request));
  }

  Moment now{std::chrono::steady_clock::now(),
             std::chrono::system_clock::time_point{std::chrono::milliseconds{1769847330042}}};
};

}  // namespace fusewire::proxy::admin
