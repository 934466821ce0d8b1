// SPDX-License-Identifier: Apache-2.0
// One function that turns what happened into a verdict (docs/life-of-a-request.md has the table).
#pragma once

#include <string>
#include <vector>

#include "config/pattern.hpp"
#include "filters/breaker/core/types.hpp"
#include "filters/call.hpp"

namespace fusewire {

// A `classify:` block with its regular expressions compiled: once a configuration. Immutable, so any thread may read
// it.
class CompiledClassify {
 public:
  // Throws std::invalid_argument for an expression that the loader has not checked.
  explicit CompiledClassify(const config::Classify&);

  const config::Classify& rules() const noexcept { return rules_; }
  // Whether one of `response_headers` is found in these fields, which are searched in order. All searches together take
  // no more steps than one may: what would take more is left out.
  bool matches(const Fields&) const noexcept;

 private:
  struct Search {
    std::string name;  // of the fields
    std::vector<config::CompiledPattern> patterns;
  };
  std::vector<config::CompiledPattern>& patterns_of(const std::string& name);

  config::Classify rules_;
  std::vector<Search> searches_;  // rules_.response_headers by name
};

struct Judgement {
  Verdict verdict = Verdict::neutral;
  breaker::FailureKind failure = breaker::FailureKind::other;  // meaningful with Verdict::failure
  bool by_client = false;  // neutral because of the client, which may cause it as often as it likes
};

// `outcome` is the exchange's, or what stands for it (`complete` for a body that has flowed long enough).
// `none` where there was no call: the permit is given back.
Judgement classify(const CompiledClassify&, const Call&, const Exchange&, Outcome outcome) noexcept;
// Of the call's own exchange.
inline Judgement classify(const CompiledClassify& classify_by, const Call& call, Outcome outcome) noexcept {
  return classify(classify_by, call, *call.exchange, outcome);
}

// Whether a Proxy-Status field says that a later hop's breaker was open (RFC 9209 §2.3).
bool says_destination_unavailable(const Fields&) noexcept;

}  // namespace fusewire
