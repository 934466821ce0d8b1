// SPDX-License-Identifier: Apache-2.0
#include "tests/support/real_nginx.hpp"

#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <system_error>

#include "tests/support/connection.hpp"

namespace fusewire::testing {

namespace {

constexpr const char* kProgram = "/usr/sbin/nginx";

bool accepts(std::uint16_t port) {
  try {
    Connection::to(port);
    return true;
  } catch (const std::system_error&) {
    return false;
  }
}

}  // namespace

RealNginx::RealNginx(std::string certificate, std::string private_key) {
  if (!certificate.empty())
    tls_ = "    ssl_certificate " + certificate + ";\n    ssl_certificate_key " + private_key + ";\n";
  if (::access(kProgram, X_OK) != 0) throw std::runtime_error("nginx is needed for this test (package nginx-light)");
  root_ = folder_.path() / "root";
  std::filesystem::create_directories(root_ / "upload");
  std::filesystem::create_directories(folder_.path() / "bodies");
  write_configuration();
  start();
}

RealNginx::~RealNginx() { kill(); }

// One process, so that SIGSTOP and SIGKILL meet the one that serves.
void RealNginx::write_configuration() const {
  std::ofstream file(folder_.path() / "nginx.conf");
  file << "daemon off;\nmaster_process off;\nworker_processes 1;\npid " << (folder_.path() / "nginx.pid").string()
       << ";\n"
       << "error_log " << (folder_.path() / "error.log").string() << ";\nevents { worker_connections 512; }\n"
       << "http {\n  access_log off;\n  client_max_body_size 0;\n  default_type application/octet-stream;\n";
  for (const char* kind : {"client_body", "proxy", "fastcgi", "uwsgi", "scgi"})
    file << "  " << kind << "_temp_path " << (folder_.path() / "bodies").string() << ";\n";
  file << "  server {\n    listen 127.0.0.1:" << port() << (tls_.empty() ? "" : " ssl") << ";\n"
       << tls_ << "    root " << root_.string() << ";\n"
       << "    location /upload/ { dav_methods PUT; }\n"
       << "    location = /missing-on-purpose { return 503; }\n  }\n}\n";
}

void RealNginx::write_file(const std::string& name, const std::string& bytes) const {
  std::ofstream(root_ / name, std::ios::binary).write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
}

std::string RealNginx::read_file(const std::string& name) const {
  std::ifstream file(root_ / name, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

void RealNginx::start() {
  const std::string configuration = (folder_.path() / "nginx.conf").string();
  std::string prefix = folder_.path().string();
  std::string program = kProgram, prefix_option = "-p", file_option = "-c", file = configuration;
  char* arguments[] = {program.data(), prefix_option.data(), prefix.data(), file_option.data(), file.data(), nullptr};
  char* environment[] = {nullptr};
  if (::posix_spawn(&pid_, kProgram, nullptr, nullptr, arguments, environment) != 0)
    throw std::runtime_error("nginx does not start");
  const auto served_or_dead = [this] {
    if (::waitpid(pid_, nullptr, WNOHANG) == pid_) pid_ = -1;
    return pid_ < 0 || accepts(port());
  };
  if (!eventually(served_or_dead) || pid_ < 0) throw std::runtime_error("nginx ended at once; see its error.log");
}

void RealNginx::kill() {
  if (pid_ < 0) return;
  ::kill(pid_, SIGKILL);
  ::waitpid(pid_, nullptr, 0);
  pid_ = -1;
}

void RealNginx::stop() { ::kill(pid_, SIGSTOP); }

void RealNginx::resume() { ::kill(pid_, SIGCONT); }

}  // namespace fusewire::testing
