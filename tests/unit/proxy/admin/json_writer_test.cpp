// SPDX-License-Identifier: Apache-2.0
#include "proxy/admin/json_writer.hpp"

#include <doctest/doctest.h>

#include <boost/json.hpp>
#include <limits>

using fusewire::proxy::admin::to_text;
namespace json = boost::json;

TEST_CASE("numbers are written as people write them") {
  CHECK(to_text(json::array{0.25, 5.0, 0.0, -1.5, 7, std::uint64_t{18446744073709551615U}}) ==
        "[0.25,5,0,-1.5,7,18446744073709551615]");
  CHECK(to_text(json::value(std::numeric_limits<double>::infinity())) == "null");
}

TEST_CASE("everything else is what Boost.JSON writes") {
  for (const char* text :
       {"{}", "[]", "null", "true", "\"\"", "[[],{}]", "{\"a\":{},\"b\":[1,{\"c\":\"\"}],\"d\":null}",
        "{\"\":\"quo\\\"te\\n\\u0001\",\"\\\\\":false}", "[{\"a\":\"{\"},{\"b\":1}]"})
    CHECK(to_text(json::parse(text)) == text);
}
