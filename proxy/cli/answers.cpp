// SPDX-License-Identifier: Apache-2.0
#include "proxy/cli/answers.hpp"

#include <ostream>

#include "config/printable.hpp"

namespace fusewire::cli {

namespace json = boost::json;

int fail(const World& world, const std::string& line) {
  world.err << "fusewire: " << config::printable(line) << '\n';
  return kFailed;
}

std::string detail_of(const AdminClient::Answer& answer) {
  boost::system::error_code error;
  const json::value body = json::parse(answer.body, error);
  const json::value* detail = error || !body.is_object() ? nullptr : body.get_object().if_contains("detail");
  if (!detail || !detail->is_string()) throw Foreign{answer.status};
  std::string text(detail->get_string());
  if (const json::value* known = body.get_object().if_contains("known")) text += "; known: " + json::serialize(*known);
  return config::printable(text);
}

int refused(const World& world, const AdminClient::Answer& answer) {
  std::string line = detail_of(answer);
  if (answer.status == 401) line += "; give it with --token-file FILE or in FUSEWIRE_TOKEN";
  if (answer.status == 403)
    line +=
        "; set admin.token_file in the proxy's configuration, then give the token with --token-file FILE or in "
        "FUSEWIRE_TOKEN";
  return fail(world, line);
}

}  // namespace fusewire::cli
