// SPDX-License-Identifier: Apache-2.0
// What commands make of the admin API's answers.
#pragma once

#include <boost/json.hpp>
#include <string>

#include "proxy/cli/admin_client.hpp"
#include "proxy/cli/options.hpp"

namespace fusewire::cli {

// One line on stderr; the exit status.
int fail(const World&, const std::string& line);

// The answer is not one that a Fusewire's admin gives.
struct Foreign {
  int status;
};

// `show(body)` of a good answer, which must have what a Fusewire's has.
template <class Show>
void with_body(const AdminClient::Answer& answer, Show show) {
  boost::system::error_code error;
  const boost::json::value body = boost::json::parse(answer.body, error);
  if (error) throw Foreign{answer.status};
  try {
    show(body);
  } catch (const std::exception&) {  // a member is missing, or of another kind
    throw Foreign{answer.status};
  }
}

// What a problem+json says, fit for a terminal.
std::string detail_of(const AdminClient::Answer&);

// Says what a refusal says, and what to do about it; the exit status.
int refused(const World&, const AdminClient::Answer&);

}  // namespace fusewire::cli
