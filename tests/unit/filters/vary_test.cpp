// SPDX-License-Identifier: Apache-2.0
#include "filters/cache/vary.hpp"

#include <doctest/doctest.h>

#include "tests/unit/filters/scene.hpp"

using namespace fusewire;
using namespace fusewire::cache;
using namespace fusewire::test;

namespace {

bool selects(const std::vector<Selecting>& fields, const Fields& request) {
  return Presented(request).is_selecting(fields);
}

}  // namespace

TEST_CASE("a variant is selected by the request fields that Vary names") {
  const Fields response = make_fields({{"Vary", "Accept-Encoding, X-Tenant"}});
  const auto fields = selecting_fields(response, make_fields({{"accept-encoding", "gzip"}, {"x-tenant", "7"}}));
  CHECK(selects(fields, make_fields({{"X-TENANT", "7"}, {"Accept-Encoding", "gzip"}, {"Other", "x"}})));
  CHECK_FALSE(selects(fields, make_fields({{"Accept-Encoding", "gzip"}, {"X-Tenant", "8"}})));
  CHECK_FALSE(selects(fields, make_fields({{"Accept-Encoding", "gzip"}})));
}

TEST_CASE("an absent field is not an empty one") {
  const Fields response = make_fields({{"Vary", "x-tenant"}});
  const auto absent = selecting_fields(response, make_fields({}));
  CHECK(selects(absent, make_fields({})));
  CHECK_FALSE(selects(absent, make_fields({{"X-Tenant", ""}})));
}

TEST_CASE("a field on several lines is the list that they make") {
  const Fields response = make_fields({{"Vary", "accept"}});
  const auto fields = selecting_fields(response, make_fields({{"Accept", "a"}, {"Accept", "b"}}));
  CHECK(selects(fields, make_fields({{"Accept", "a, b"}})));
  CHECK_FALSE(selects(fields, make_fields({{"Accept", "b, a"}})));
}

TEST_CASE("without Vary every request selects the response") {
  CHECK(selects(selecting_fields(make_fields({}), make_fields({{"Accept", "a"}})), make_fields({{"Accept", "b"}})));
}

TEST_CASE("lists of languages and codings are compared without white space and case, other fields as they are") {
  const auto same = [](std::string_view name, std::string_view a, std::string_view b) {
    const auto fields = selecting_fields(make_fields({{"Vary", name}}), make_fields({{name, a}}));
    return selects(fields, make_fields({{name, b}}));
  };
  CHECK(same("Accept-Encoding", "gzip, br;q=1", "GZIP ,BR; q=1"));
  CHECK(same("accept-language", "en,de", "en,\tDE"));
  CHECK(same("Accept", "text/html;level=1, */*", "text/html; level=1,*/*"));
  CHECK_FALSE(same("Accept", "text/html", "TEXT/HTML"));
  CHECK_FALSE(same("Accept", "a;b=\"x , y\"", "a;b=\"x,y\""));
  CHECK_FALSE(same("Accept-Language", "en, de", "de, en"));
  CHECK_FALSE(same("Accept-Language", "e n", "en"));
  CHECK_FALSE(same("X-List", "1,2", "1, 2"));
}

TEST_CASE("a field that ends with this hop counts as absent, in the request that is stored and in the one that asks") {
  const Fields german = make_fields({{"Accept-Language", "de"}});
  for (const char* connection : {"accept-language", "close, Accept-Language", "\"x, accept-language"}) {
    CAPTURE(connection);
    const Fields removed = make_fields({{"Connection", connection}, {"Accept-Language", "de"}});
    const auto fields = selecting_fields(make_fields({{"Vary", "Accept-Language"}}), removed);
    CHECK(selects(fields, make_fields({})));
    CHECK(selects(fields, removed));
    CHECK_FALSE(selects(fields, german));
    CHECK_FALSE(selects(selecting_fields(make_fields({{"Vary", "Accept-Language"}}), german), removed));
  }
  const auto coded = selecting_fields(make_fields({{"Vary", "TE"}}), make_fields({{"TE", "trailers"}}));
  CHECK(selects(coded, make_fields({})));
}

TEST_CASE("Host selects nothing: the URI has it, and the field of an absolute-form request goes nowhere") {
  const auto fields = selecting_fields(make_fields({{"Vary", "Host"}}), make_fields({{"Host", "a.test"}}));
  CHECK(selects(fields, make_fields({{"Host", "b.test"}})));
}

TEST_CASE("a value is stored normalised; one longer than can be stored selects nothing, not even its absence") {
  const Fields vary = make_fields({{"Vary", "Accept-Language"}});
  const auto stored = selecting_fields(vary, make_fields({{"Accept-Language", "DE , en"}, {"accept-language", "FR"}}));
  CHECK(stored.at(0).value == "de,en,fr");
  const std::string spaces = "de,en," + std::string(kMaxSelectingBytes, ' ') + "fr";
  const Fields padded = make_fields({{"Accept-Language", spaces}});
  CHECK_FALSE(selects(stored, padded));
  CHECK_FALSE(selects(selecting_fields(vary, make_fields({})), padded));
}

TEST_CASE("one request is held against many variants") {
  const Fields request = make_fields({{"Accept-Language", "de, en"}, {"X-A", std::string_view("1")}});
  Presented presented(request);
  const auto chosen_by = [](std::string_view vary, FieldPairs by) {
    return selecting_fields(make_fields({{"Vary", vary}}), make_fields(by));
  };
  for (int i = 0; i < 3; ++i) {
    CHECK(presented.is_selecting(chosen_by("X-A", {{"x-a", "1"}})));
    CHECK(presented.is_selecting(chosen_by("x-a, Accept-Language", {{"x-a", "1"}, {"Accept-Language", "DE,EN"}})));
    CHECK_FALSE(presented.is_selecting(chosen_by("x-a, x-b", {{"x-a", "1"}, {"x-b", "1"}})));
  }
}

TEST_CASE("a response chosen by what the proxy writes, in whatever spelling of its name, is chosen by anything") {
  for (const char* name : {"X-Forwarded-For", "X-Forwarded-Port", "X-Real-IP", "X_Real_Ip", "x_forwarded_proto",
                           "X-Request-Id", "X_Deadline", "x-deadline"}) {
    CAPTURE(name);
    CHECK(varies_by_anything(make_fields({{"Vary", name}}), "x-deadline"));
  }
  CHECK_FALSE(varies_by_anything(make_fields({{"Vary", "X_Other"}}), "x-deadline"));
}
