// SPDX-License-Identifier: Apache-2.0
// proxy -> filters -> config, never back, and one order of the rooms inside proxy/: held by reading the sources,
// because a header-only slip passes every link line.
#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <optional>
#include <regex>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

namespace {

namespace fs = std::filesystem;

struct Layer {
  std::string_view folder;                    // applies to the files below it; the longest match counts
  std::vector<std::string_view> may_include;  // prefixes of "quoted" and <angled> includes beside the standard library
  std::vector<std::string_view> must_not_have;  // standard headers and words that are I/O, time or threads
};

const std::vector<std::string_view> kDecidesOnly = {
    "<iostream>",   "<cstdio>",    "<fstream>",    "<filesystem>",  "<sys/",         "<netinet/",  "<arpa/",
    "<unistd.h>",   "<netdb.h>",   "_clock::now(", "clock_gettime", "gettimeofday",  "std::time(", "std::thread",
    "std::jthread", "std::async(", "sleep_for",    "sleep_until",   "async_call.hpp"};

const std::vector<std::string_view> kNoSystem = {"std::thread", "<iostream>", "<sys/", "<unistd.h>", "_clock::now("};

const std::vector<Layer> kLayers = {
    {"config/", {"config/"}, kNoSystem},
    // It has to know what a file is before it reads it.
    {"config/file_text.cpp", {"config/"}, {"std::thread", "<iostream>", "_clock::now("}},
    {"config/document.cpp", {"config/", "yaml-cpp/"}, kNoSystem},
    {"config/pattern.cpp", {"config/", "re2/"}, kNoSystem},
    {"filters/", {"config/", "filters/"}, kDecidesOnly},
    {"filters/breaker/core/", {"config/config.hpp", "filters/breaker/core/"}, kDecidesOnly},
    // For embedders who have Asio; it is a header of its own so that nobody else needs it.
    {"filters/breaker/core/async_call.hpp", {"filters/breaker/core/", "boost/asio/", "boost/system/"}, kDecidesOnly},
    {"proxy/cli/manifest_parse.cpp", {"config/", "proxy/", "yaml-cpp/"}, {}},
    {"proxy/", {"config/", "filters/", "proxy/", "boost/", "spdlog/", "prometheus/", "CLI/", "openssl/"}, {"yaml-cpp"}},
};

// The rooms of proxy/, from the bottom up: each may include those before it.
constexpr std::array<std::string_view, 16> kRooms = {
    "text",     "observe", "net",     "webhooks",   "http",    "tls",   "tracing", "snapshot",
    "upstream", "probe",   "request", "downstream", "control", "admin", "server",  "cli"};

const Layer* layer_of(std::string_view file) {
  const Layer* found = nullptr;
  for (const Layer& layer : kLayers)
    if (file.starts_with(layer.folder) && (!found || layer.folder.size() > found->folder.size())) found = &layer;
  return found;
}

bool is_standard(const std::string& include) { return include.find_first_of("./") == std::string::npos; }
bool is_system(const std::string& include) {
  return include.starts_with("sys/") || include.starts_with("linux/") || include.starts_with("netinet/") ||
         include.starts_with("arpa/") || (include.find('/') == std::string::npos && include.ends_with(".h"));
}

bool may_include(const Layer& layer, const std::string& include, bool angled) {
  if (angled && (is_standard(include) || is_system(include))) return true;  // must_not_have has the exceptions
  return std::ranges::any_of(layer.may_include, [&](std::string_view prefix) { return include.starts_with(prefix); });
}

// Where the room of that file stands among them; empty: it is in none.
std::optional<std::ptrdiff_t> floor_of(std::string_view file) {
  constexpr std::string_view kProxy = "proxy/";
  if (!file.starts_with(kProxy)) return std::nullopt;
  file.remove_prefix(kProxy.size());
  const auto room = std::ranges::find(kRooms, file.substr(0, file.find('/')));
  if (room == kRooms.end()) return std::nullopt;
  return room - kRooms.begin();
}

bool runs_back_up(std::string_view file, const std::string& include) {
  return include.starts_with("proxy/") &&
         (!floor_of(file) || !floor_of(include) || *floor_of(include) > *floor_of(file));
}

// "file:line: what" for each violation; what follows // is not read.
std::vector<std::string> violations(const std::string& file, std::istream& source) {
  static const std::regex kInclude(R"re(^\s*#\s*include\s*([<"])([^>"]+)[>"])re");
  std::vector<std::string> found;
  const Layer* layer = layer_of(file);
  if (!layer) return found;
  std::string line;
  for (int number = 1; std::getline(source, line); ++number) {
    line.resize(std::min(line.size(), line.find("//")));
    const std::string where = file + ":" + std::to_string(number) + ": ";
    std::smatch match;
    if (std::regex_search(line, match, kInclude) && !may_include(*layer, match[2], match[1] == "<"))
      found.push_back(where + "must not include " + match[2].str());
    else if (!match.empty() && file.starts_with("proxy/") && runs_back_up(file, match[2]))
      found.push_back(where + "must not include " + match[2].str() + ", which is above it");
    for (std::string_view word : layer->must_not_have)
      if (line.find(word) != std::string::npos) found.push_back(where + "must not have " + std::string(word));
  }
  return found;
}

std::vector<std::string> violations(const std::string& file, const std::string& text) {
  std::istringstream source(text);
  return violations(file, source);
}

std::vector<fs::path> sources(const fs::path& root) {
  std::vector<fs::path> files;
  for (const char* folder : {"config", "filters", "proxy"})
    for (const auto& entry : fs::recursive_directory_iterator(root / folder))
      if (const auto ending = entry.path().extension(); ending == ".hpp" || ending == ".cpp" || ending == ".ipp")
        files.push_back(entry.path());
  return files;
}

}  // namespace

TEST_CASE("every include follows proxy -> filters -> config") {
  const fs::path root = FUSEWIRE_SOURCE_DIR;
  const auto files = sources(root);
  REQUIRE(files.size() > 10);
  for (const fs::path& path : files) {
    std::ifstream source(path);
    for (const std::string& violation : violations(fs::relative(path, root).generic_string(), source))
      FAIL_CHECK(violation);
  }
}

TEST_CASE("a filter that includes the proxy is named with file and line") {
  const auto found = violations("filters/retry/retry.cpp", "// glue\n#include \"proxy/upstream/forward.hpp\"\n");
  REQUIRE(found.size() == 1);
  CHECK(found[0] == "filters/retry/retry.cpp:2: must not include proxy/upstream/forward.hpp");
}

TEST_CASE("configuration knows neither filters nor libraries other than yaml-cpp and RE2, each in one source") {
  CHECK(violations("config/document.cpp", "#include <yaml-cpp/yaml.h>\n").empty());
  CHECK(violations("config/pattern.cpp", "#include <re2/re2.h>\n").empty());
  CHECK(violations("config/pattern.hpp", "#include <re2/re2.h>\n").size() == 1);
  CHECK(violations("config/document.hpp", "#include <yaml-cpp/yaml.h>\n").size() == 1);
  CHECK(violations("config/load.cpp", "#include <yaml-cpp/yaml.h>\n").size() == 1);
  CHECK(violations("config/load.cpp", "#include \"filters/call_filter.hpp\"\n").size() == 1);
  CHECK(violations("config/load.cpp", "#include <boost/json.hpp>\n").size() == 1);
  CHECK(violations("filters/call_chain.hpp", "#include <yaml-cpp/yaml.h>\n").size() == 1);
  CHECK(violations("proxy/server/server.cpp", "#include <yaml-cpp/yaml.h>\n").size() >= 1);
}

TEST_CASE("no include inside the proxy runs back up") {
  CHECK(violations("proxy/upstream/dial.hpp", "#include \"proxy/net/connector.hpp\"\n").empty());
  CHECK(violations("proxy/upstream/dial.hpp", "#include \"proxy/upstream/balancer.hpp\"\n").empty());
  const auto found = violations("proxy/upstream/dial.hpp", "#include \"proxy/server/worker.hpp\"\n");
  REQUIRE(found.size() == 1);
  CHECK(found[0] == "proxy/upstream/dial.hpp:1: must not include proxy/server/worker.hpp, which is above it");
  CHECK(violations("proxy/text/json_text.cpp", "#include \"proxy/observe/log.hpp\"\n").size() == 1);
  CHECK(violations("proxy/new_room/x.cpp", "#include \"proxy/net/loop.hpp\"\n").size() == 1);
}

TEST_CASE("the breaker core takes the configuration's values and nothing else") {
  CHECK(violations("filters/breaker/core/breaker.cpp", "#include \"config/config.hpp\"\n#include <atomic>\n").empty());
  CHECK(violations("filters/breaker/core/breaker.cpp", "#include \"config/load.hpp\"\n").size() == 1);
  CHECK(violations("filters/breaker/core/breaker.cpp", "#include \"filters/exchange.hpp\"\n").size() == 1);
}

TEST_CASE("a filter neither reads a clock nor starts a thread nor opens a socket nor logs") {
  CHECK(violations("filters/x.cpp", "auto t = std::chrono::steady_clock::now();\n").size() == 1);
  CHECK(violations("filters/x.cpp", "std::thread worker(run);\n").size() == 1);
  CHECK(violations("filters/x.cpp", "#include <sys/socket.h>\n").size() == 1);
  CHECK(violations("filters/x.cpp", "#include <spdlog/spdlog.h>\n").size() == 1);
  CHECK(violations("filters/x.cpp", "#include <boost/asio.hpp>\n").size() == 1);
  CHECK(violations("filters/x.cpp", "// no steady_clock::now() here\n").empty());
}
