// SPDX-License-Identifier: Apache-2.0
// Plays one breaker on a virtual clock: a JSON object in, a JSON object out. Jitter is 0.
#pragma once

#include <boost/json.hpp>
#include <cstdint>
#include <map>
#include <memory>
#include <string_view>

#include "filters/breaker/core/breaker.hpp"

namespace fusewire::adapter {

class Player {
 public:
  // Whatever is wrong with the line is answered by {"error": …} and changes nothing.
  boost::json::object play(std::string_view line);

 private:
  using Object = boost::json::object;

  Object perform(const Object& request);
  Object start(const Object& request);
  Object acquire();
  Object end(std::string_view op, const Object& request);
  Object broke_off(const Object& request);
  Object give_back_slot(const Object& request);  // docs/decisions/0016
  Object advance(const Object& request);
  Object reload(const Object& request);
  Object force(std::string_view op, const Object& request);
  Object show() const;

  breaker::Breaker& breaker() const;
  breaker::Permit& permit(const Object& request);

  breaker::Time now_{};
  config::Mode mode_ = config::Mode::enforce;
  std::unique_ptr<breaker::Breaker> breaker_;
  std::map<std::int64_t, breaker::Permit> permits_;  // ended ones, too; of this breaker, so they go first
  std::int64_t next_permit_ = 1;                     // goes on over `new`: an old permit's number is never a new one's
};

}  // namespace fusewire::adapter
