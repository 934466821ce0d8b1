// SPDX-License-Identifier: Apache-2.0
#include "proxy/cli/init.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <optional>
#include <ostream>

#include "config/addresses.hpp"
#include "config/load.hpp"
#include "config/messages.hpp"

namespace fusewire::cli {
namespace {

using Upstreams = std::vector<std::pair<std::string, std::string>>;

constexpr const char* kHead =
    R"(# Fusewire: a first configuration. docs/configuration.md has every key with its default; lines that are commented out show
# what is changed most often. Then:
#   fusewire check -c FILE    # judges it
#   fusewire doctor -c FILE   # tries what it needs: addresses, names, connections, certificates
#   fusewire run -c FILE
#   fusewire status --watch   # the breakers, live
)";

constexpr const char* kUpstreamRest = R"(    # circuit_breaker:
    #   mode: shadow              # judges and reports, and rejects nothing: a careful first day
    #   preset: default           # or aggressive, lenient, database, redis, rpc, external_api, treasury
    # timeouts:
    #   response: 15s             # from the request to the response's head
    # retries:
    #   attempts: 1               # of idempotent requests that failed to connect or were reset
    # fallback:
    #   chain:                    # what answers while the circuit is open
    #     - cache: {max_stale: 10m}
    #     - static: {status: 503, body: "please try again in a moment"}
)";

constexpr const char* kRest = R"(
# admin:
#   address: 127.0.0.1:9901                     # fusewire status, /metrics and the rest
#   token_file: /run/secrets/fusewire-token     # without a token nothing can be changed: no reset, no override

# events:
#   webhooks:
#     - format: slack                           # or pagerduty, alertmanager, json
#       url_file: /run/secrets/slack-webhook

# log:
#   level: info
#   access_sample: 1                            # share of requests that are logged
)";

// In double quotes, as YAML and JSON have them.
std::string quoted(const std::string& text) {
  std::string out = "\"";
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '"' || text[i] == '\\') out += '\\';
    if (text.compare(i, 2, "${") == 0) out += '$';  // else it would be a variable
    out += text[i];
  }
  return out + '"';
}

struct Refused {
  std::string why;
};

Upstreams split(const std::vector<std::string>& words) {
  Upstreams upstreams;
  for (const std::string& word : words) {
    const std::size_t equals = word.find('=');
    if (equals == std::string::npos || equals == 0)
      throw Refused{"expected NAME=URL, as in orders=http://127.0.0.1:9000, got " + config::quote(word)};
    upstreams.emplace_back(word.substr(0, equals), word.substr(equals + 1));
  }
  return upstreams;
}

// The loader judges names, URLs and address as in any file.
void judge(const std::string& text) {
  const config::LoadResult result = config::load({.name = "init", .text = text});
  if (result.errors.empty()) return;
  const config::Diagnostic& first = result.errors.front();
  throw Refused{(first.key_path.empty() ? "" : first.key_path + ": ") + first.message};
}

std::string reason() { return std::strerror(errno); }

// Never half a file where there was a whole one.
std::string write(const std::string& file, const std::string& text, bool force) {
  const std::string target = force ? file + ".new" : file;
  const int flags = O_WRONLY | O_CREAT | O_CLOEXEC | (force ? O_TRUNC : O_EXCL);
  const int descriptor = ::open(target.c_str(), flags, 0644);
  if (descriptor < 0)
    return errno == EEXIST ? file + " exists already; --force overwrites it" : file + " cannot be written: " + reason();
  const ssize_t written = ::write(descriptor, text.data(), text.size());
  std::string error;
  if (written != static_cast<ssize_t>(text.size())) error = file + " cannot be written: " + reason();
  ::close(descriptor);
  if (error.empty() && force && ::rename(target.c_str(), file.c_str()) != 0)
    error = file + " cannot be written: " + reason();
  if (!error.empty()) ::unlink(target.c_str());
  return error;
}

}  // namespace

std::string first_file(const Upstreams& upstreams, const std::string& listen) {
  std::string text(kHead);
  text += "\n# Where clients connect. ";
  if (upstreams.size() == 1)
    text += "Everything goes to the only upstream.\n";
  else
    text += "The request's Host says which upstream it is for, as in\n#   curl -H 'Host: " + upstreams[0].first +
            "' http://" + listen + "/\n";
  text += "listen: " + quoted(listen) + "\n\nupstreams:\n";
  for (const auto& [name, url] : upstreams) {
    text += "  " + quoted(name) + ":\n    endpoints: [" + quoted(url) + "]";
    text += &name == &upstreams[0].first ? "  # of several, each address has a breaker of its own\n" : "\n";
    if (&name == &upstreams[0].first) text += kUpstreamRest;
  }
  text += kRest;
  return text;
}

int init(const Options& options, const World& world) {
  try {
    const std::string text = first_file(split(options.upstreams), options.listen);
    judge(text);
    if (options.output.empty()) {
      world.out << text;
      return kOk;
    }
    if (const std::string error = write(options.output, text, options.force); !error.empty()) {
      world.err << "fusewire: " << error << '\n';
      return kFailed;
    }
  } catch (const Refused& refused) {
    world.err << "fusewire: " << refused.why << '\n';
    return kUsage;
  }
  world.err << "fusewire: " << options.output << " is written; next: fusewire doctor -c " << options.output << '\n';
  return kOk;
}

}  // namespace fusewire::cli
