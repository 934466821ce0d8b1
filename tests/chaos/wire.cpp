// SPDX-License-Identifier: Apache-2.0
#include "tests/chaos/wire.hpp"

#include <linux/filter.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <array>
#include <boost/asio/use_awaitable.hpp>
#include <vector>

#include "tests/chaos/head.hpp"

namespace chaos {
namespace {

constexpr std::size_t kLongest = 2048;  // bytes of a packet that are looked at: a request's head

std::uint32_t big_endian(std::span<const unsigned char> bytes) {
  std::uint32_t value = 0;
  for (const unsigned char byte : bytes) value = value << 8 | byte;
  return value;
}

std::uint16_t source(std::span<const unsigned char> tcp) {
  return static_cast<std::uint16_t>(big_endian(tcp.first(2)));
}

// Passes packets whose TCP flags have SYN and not ACK, and all packets to these ports.
std::vector<sock_filter> program_for(const std::set<std::uint16_t>& ports) {
  std::vector<sock_filter> program{
      {BPF_LDX | BPF_B | BPF_MSH, 0, 0, 0},     // X = length of the IP header
      {BPF_LD | BPF_B | BPF_IND, 0, 0, 13},     // A = flags
      {BPF_ALU | BPF_AND | BPF_K, 0, 0, 0x12},  // of which SYN and ACK count
      {BPF_JMP | BPF_JEQ | BPF_K, 0, 1, 0x02}, {BPF_RET | BPF_K, 0, 0, kLongest},
      {BPF_LD | BPF_H | BPF_IND, 0, 0, 2},  // A = destination port
  };
  for (const std::uint16_t port : ports) {
    program.push_back({BPF_JMP | BPF_JEQ | BPF_K, 0, 1, port});
    program.push_back({BPF_RET | BPF_K, 0, 0, kLongest});
  }
  program.push_back({BPF_RET | BPF_K, 0, 0, 0});
  return program;
}

}  // namespace

Wire::Wire(const boost::asio::any_io_executor& executor, Arrivals& arrivals) : arrivals_(arrivals), socket_(executor) {
  const int fd = ::socket(AF_INET, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_TCP);
  if (fd < 0) return;
  socket_.assign(fd);
  filter();
}

void Wire::set_dark(std::uint16_t port, bool dark) {
  if (dark)
    dark_.insert(port);
  else
    dark_.erase(port);
  if (works()) filter();
}

void Wire::filter() {
  auto code = program_for(dark_);
  const sock_fprog program{static_cast<unsigned short>(code.size()), code.data()};
  ::setsockopt(socket_.native_handle(), SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program);
}

boost::asio::awaitable<void> Wire::watch() {
  while (works()) {
    co_await socket_.async_wait(boost::asio::posix::stream_descriptor::wait_read, boost::asio::use_awaitable);
    drain();
  }
}

void Wire::drain() {
  std::array<unsigned char, kLongest> packet;
  for (auto n = ::recv(socket_.native_handle(), packet.data(), packet.size(), 0); n > 0;
       n = ::recv(socket_.native_handle(), packet.data(), packet.size(), 0))
    see({packet.data(), static_cast<std::size_t>(n)});
}

void Wire::see(Bytes packet) {
  const std::size_t ip_header = (packet[0] & 0xfU) * 4;
  if (packet.size() < ip_header + 20) return;
  const Bytes tcp = packet.subspan(ip_header);
  const auto found = endpoints_.find(static_cast<std::uint16_t>(big_endian(tcp.subspan(2, 2))));
  if (found == endpoints_.end()) return;
  if ((tcp[13] & 0x12U) == 0x02U) return see_syn(tcp, found->second);
  const std::size_t tcp_header = (tcp[12] >> 4U) * 4U;
  if (tcp.size() <= tcp_header) return;
  const Bytes text = tcp.subspan(tcp_header);
  see_request(tcp, found->second, {reinterpret_cast<const char*>(text.data()), text.size()});
}

void Wire::see_syn(Bytes tcp, std::uint32_t endpoint) {
  const std::uint32_t ports = big_endian(tcp.first(4));
  const std::uint32_t sequence = big_endian(tcp.subspan(4, 4));
  const auto [last, is_new] = last_sequence_.try_emplace(ports, sequence);
  if (!is_new && last->second == sequence) return;
  last->second = sequence;
  spent_.erase(ports);
  arrivals_.add({Arrival::Kind::unheard, '-', Arrival::End::none, endpoint, source(tcp), 0, Clock::now()});
}

void Wire::see_request(Bytes tcp, std::uint32_t endpoint, std::string_view text) {
  const std::uint64_t id = number_field(text, "x-chaos-id", 0);
  if (id == 0 || !spent_.insert(big_endian(tcp.first(4))).second) return;
  arrivals_.add({Arrival::Kind::unheard, text.front(), Arrival::End::none, endpoint, source(tcp), id, Clock::now()});
}

}  // namespace chaos
