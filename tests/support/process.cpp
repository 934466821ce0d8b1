// SPDX-License-Identifier: Apache-2.0
#include "tests/support/process.hpp"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <sstream>
#include <stdexcept>
#include <string_view>

namespace fusewire::testing {

namespace {

std::string contents(const std::filesystem::path& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

}  // namespace

TemporaryFolder::TemporaryFolder() {
  std::string name = (std::filesystem::temp_directory_path() / "fusewire-test-XXXXXX").string();
  if (!::mkdtemp(name.data())) throw std::runtime_error("no temporary folder");
  path_ = name;
}

TemporaryFolder::~TemporaryFolder() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

std::string TemporaryFolder::write(const std::string& name, const std::string& text) const {
  std::ofstream(path_ / name, std::ios::binary) << text;
  return (path_ / name).string();
}

std::string TemporaryFolder::read(const std::string& name) const { return contents(path_ / name); }

Process::Process(std::vector<std::string> arguments, bool blocked_output, std::vector<std::string> environment,
                 const Passed& passed) {
  std::string program = std::string(FUSEWIRE_BINARY_DIR) + "/fusewire";
  const std::string file = (folder_.path() / "output").string();
  arguments.insert(arguments.begin(), program);
  if (!passed.descriptors.empty()) {
    program = "/bin/sh";
    const std::string script = "export LISTEN_PID=" + passed.pid + "; exec \"$0\" \"$@\"";
    arguments.insert(arguments.begin(), {program, "-c", script});
    environment.push_back("LISTEN_FDS=" + std::to_string(passed.descriptors.size()));
    environment.push_back("LISTEN_FDNAMES=" + passed.names);
  }
  std::vector<char*> argv;
  for (std::string& argument : arguments) argv.push_back(argument.data());
  argv.push_back(nullptr);
  std::vector<char*> envp;
  for (std::string& setting : environment) envp.push_back(setting.data());
  // Without the settings of a Fusewire of the developer's own.
  for (char** setting = environ; *setting != nullptr; ++setting)
    if (!std::string_view(*setting).starts_with("FUSEWIRE")) envp.push_back(*setting);
  envp.push_back(nullptr);

  posix_spawn_file_actions_t files;
  ::posix_spawn_file_actions_init(&files);
  int ends[2] = {-1, -1};
  if (blocked_output) {
    if (::pipe2(ends, O_CLOEXEC) != 0) throw std::runtime_error("no pipe");
    ::posix_spawn_file_actions_adddup2(&files, ends[1], STDOUT_FILENO);
  } else {
    ::posix_spawn_file_actions_addopen(&files, STDOUT_FILENO, file.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
  }
  ::posix_spawn_file_actions_addopen(&files, STDERR_FILENO, file.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
  // By way of high numbers, so that none is overwritten before it has its turn.
  constexpr int kHigh = 500;
  const auto count = static_cast<int>(passed.descriptors.size());
  for (int i = 0; i < count; ++i)
    ::posix_spawn_file_actions_adddup2(&files, passed.descriptors[static_cast<std::size_t>(i)], kHigh + i);
  for (int i = 0; i < count; ++i) {
    ::posix_spawn_file_actions_adddup2(&files, kHigh + i, 3 + i);
    ::posix_spawn_file_actions_addclose(&files, kHigh + i);
  }
  const int failed = ::posix_spawn(&pid_, program.c_str(), &files, nullptr, argv.data(), envp.data());
  ::posix_spawn_file_actions_destroy(&files);
  if (blocked_output) ::close(ends[1]);
  unread_ = ends[0];
  if (failed != 0) throw std::runtime_error(program + " does not start");
}

Process::~Process() {
  if (!status_) {
    signal(SIGKILL);
    wait();
  }
  if (unread_ >= 0) ::close(unread_);
}

void Process::signal(int number) const { ::kill(pid_, number); }

std::optional<int> Process::wait(milliseconds patience) {
  int status = 0;
  const auto ended = [&] { return ::waitpid(pid_, &status, WNOHANG) == pid_; };
  if (!status_ && eventually(ended, patience))
    status_ = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  return status_;
}

std::string Process::output() const { return contents(folder_.path() / "output"); }

double Process::cpu_seconds() const {
  const std::string stat = contents("/proc/" + std::to_string(pid_) + "/stat");
  std::istringstream fields(stat.substr(std::min(stat.rfind(')') + 2, stat.size())));
  std::string skipped;
  for (int i = 0; i < 11; ++i) fields >> skipped;  // proc(5): utime is field 14, the state after ')' is field 3
  double user = 0, system = 0;
  fields >> user >> system;
  return (user + system) / static_cast<double>(::sysconf(_SC_CLK_TCK));
}

std::size_t Process::descriptors() const {
  const std::filesystem::directory_iterator open("/proc/" + std::to_string(pid_) + "/fd");
  return static_cast<std::size_t>(std::distance(begin(open), end(open)));
}

bool Process::catches(int signal) const {
  std::istringstream lines(contents("/proc/" + std::to_string(pid_) + "/status"));
  for (std::string line; std::getline(lines, line);)
    if (line.starts_with("SigCgt:")) return (std::stoull(line.substr(7), nullptr, 16) >> (signal - 1) & 1U) != 0;
  return false;
}

std::size_t Process::resident_bytes() const {
  std::istringstream pages(contents("/proc/" + std::to_string(pid_) + "/statm"));
  std::size_t all = 0, resident = 0;
  pages >> all >> resident;
  return resident * static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
}

}  // namespace fusewire::testing
