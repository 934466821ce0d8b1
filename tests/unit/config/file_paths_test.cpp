// SPDX-License-Identifier: Apache-2.0
// Files that a configuration names are looked for in its own folder, or not at all.
#include "config/file_paths.hpp"

#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "support.hpp"

namespace fusewire::config {
namespace {

namespace fs = std::filesystem;

class Folder {
 public:
  Folder() : path_(fs::temp_directory_path() / ("fusewire-paths-" + std::to_string(::getpid()))) {
    fs::create_directories(path_ / "secrets");
    for (const char* file : {"token", "secrets/body", "secrets/tls.pem"}) std::ofstream(path_ / file) << "c0ntent\n";
  }
  ~Folder() { fs::remove_all(path_); }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;

  std::string at(const std::string& file) const { return (path_ / file).string(); }
  LoadResult load_here(const std::string& section) const {
    return load({.name = at("fusewire.yaml"), .text = kListenAndOrders + section});
  }

 private:
  fs::path path_;
};

const std::string kStatic = "    fallback: {chain: [{static: {body_file: secrets/body}}]}\n";
const std::string kTls =
    "listeners: [{address: 127.0.0.1:1, tls: {certificate: secrets/tls.pem, private_key: ./secrets/tls.pem, client_ca: "
    "secrets/tls.pem}}]\n"
    "upstreams: {a: {endpoints: [https://a], tls: {ca: secrets/tls.pem, certificate: secrets/tls.pem, private_key: "
    "secrets/tls.pem}}}\n";

TEST_CASE("a relative path is relative to the file's folder, whatever key names it") {
  const Folder folder;
  const Config config = good(folder.load_here("admin: {token_file: token}\n"));
  CHECK(config.admin.token == "c0ntent");
  CHECK(config.admin.token_file == folder.at("token"));
  const Config with_body = good(load({.name = folder.at("f.yaml"), .text = upstream_file(kStatic)}));
  CHECK(std::get<StaticStep>(with_body.upstreams[0].fallback.chain[0]).body == "c0ntent\n");
  const Config tls = good(load({.name = folder.at("f.yaml"), .text = kTls}));
  CHECK(tls.listeners[0].tls->certificate == folder.at("secrets/tls.pem"));
  CHECK(fs::exists(tls.listeners[0].tls->private_key));
  CHECK(tls.listeners[0].tls->client_ca == folder.at("secrets/tls.pem"));
  CHECK(tls.upstreams[0].tls.ca == folder.at("secrets/tls.pem"));
  CHECK(tls.upstreams[0].tls.certificate == folder.at("secrets/tls.pem"));
}

TEST_CASE("a path of `defaults`, or with a variable in it, is the file's as well") {
  const Folder folder;
  const LoadResult result =
      load({.name = folder.at("f.yaml"),
            .text = "listen: 127.0.0.1:1\ndefaults: {tls: {ca: secrets/tls.pem}}\nupstreams: {a: https://a}\nadmin: "
                    "{token_file: \"${WHERE}\"}\n",
            .environment = {{"WHERE", "token"}}});
  CHECK(good(result).upstreams[0].tls.ca == folder.at("secrets/tls.pem"));
  CHECK(good(result).admin.token_file == folder.at("token"));
}

TEST_CASE("a text without a file of its own is judged in the folder that it is given") {
  const Folder folder;
  Source source{.name = "posted", .text = kListenAndOrders + "admin: {token_file: token}\n"};
  source.folder = folder.at("");
  CHECK(good(load(source)).admin.token == "c0ntent");
}

TEST_CASE("the command line's and the environment's paths are the working directory's") {
  const Folder folder;
  const Lines errors =
      lines_of(load({.name = folder.at("f.yaml"), .text = kListenAndOrders, .set = {"admin.token_file=token"}}).errors);
  CHECK(errors == Lines{"--set: admin.token_file: cannot read the file 'token'"});
}

TEST_CASE("a file that is not there is named by where it was looked for") {
  const Folder folder;
  CHECK(
      lines_of(folder.load_here("admin: {token_file: nope}\n").errors) ==
      Lines{folder.at("fusewire.yaml") + ":4:21: admin.token_file: cannot read the file '" + folder.at("nope") + "'"});
}

TEST_CASE("neither a field of that name nor `system` is a path") {
  const Folder folder;
  const Config config = good(load({.name = folder.at("f.yaml"),
                                   .text = upstream_file("    tls: {ca: system}\n    fallback: {chain: [{static: "
                                                         "{headers: {certificate: x, ca: y}}}]}\n")}));
  CHECK(config.upstreams[0].tls.ca.empty());
  CHECK(std::get<StaticStep>(config.upstreams[0].fallback.chain[0]).headers[0].second == "x");
}

LoadResult load_without_files(const std::string& text) {
  Source source{.name = "f", .text = text};
  source.no_files = true;
  source.judges.listener_tls = [](const ListenerTls&) { return std::vector<Finding>{{"certificate", "opened"}}; };
  source.judges.upstream_tls = [](const UpstreamTls&) { return std::vector<Finding>{{"ca", "opened"}}; };
  return load(source);
}

TEST_CASE("without files, secrets, bodies and certificates may be absent, and everything else is judged as ever") {
  good(load_without_files(kTls));
  good(load_without_files(upstream_file(kStatic) + "admin: {token_file: /nowhere/token}\n"));
  CHECK(lines_of(load_without_files(kTls + "lgo: {}\n").errors) ==
        Lines{"f:3:1: lgo: unknown key; did you mean 'log'?"});
  CHECK(load_without_files("listeners: [{address: 127.0.0.1:1, tls: {certificate: a}}]\nupstreams: {a: http://a}\n")
            .errors.size() == 1);
}

}  // namespace
}  // namespace fusewire::config
