// SPDX-License-Identifier: Apache-2.0
#include "proxy/net/tls_stream.hpp"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include "proxy/net/channel.hpp"

namespace fusewire::proxy {

namespace {

constexpr std::size_t kRecord = SSL3_RT_MAX_PLAIN_LENGTH;
constexpr std::size_t kOverhead = SSL3_RT_HEADER_LENGTH + SSL3_RT_MAX_ENCRYPTED_OVERHEAD;
constexpr std::size_t kReserve = 1024;  // for what the library adds by itself: a key update, an alert
constexpr int kReceives = 8;
constexpr unsigned kKeyUpdates = 32;  // each costs as much as many a request
constexpr std::uint64_t kKeyUpdateData = 1024 * 1024;
constexpr unsigned kTickets = 64;
constexpr int kAlerts = 1000;  // where the reasons that are a peer's alerts begin

constexpr std::string_view kProtocolError = "tls_protocol_error";
constexpr std::string_view kCertificateError = "tls_certificate_error";
constexpr std::string_view kAlertReceived = "tls_alert_received";

std::string_view text_or(const char* text, std::string_view other) { return text != nullptr ? text : other; }

}  // namespace

void SslFree::operator()(ssl_st* ssl) const noexcept { SSL_free(ssl); }
void SslSessionFree::operator()(ssl_session_st* session) const noexcept { SSL_SESSION_free(session); }

// ------------------------------------------------------------------------------------------------------ the wire

// The library's way to the descriptor, and back.
struct WireBio {
  static TlsStream& stream(BIO* bio) { return *static_cast<TlsStream*>(BIO_get_data(bio)); }

  static int read(BIO* bio, char* memory, int size) {
    BIO_clear_retry_flags(bio);
    const int n = stream(bio).receive(memory, size);
    if (n < 0 && stream(bio).wire_error_ == 0) BIO_set_retry_read(bio);
    return n;
  }
  static int write(BIO* bio, const char* bytes, int size) {
    BIO_clear_retry_flags(bio);
    const int n = stream(bio).put(bytes, size);
    if (n < 0) BIO_set_retry_write(bio);
    return n;
  }
  static long control(BIO* bio, int command, long, void*) {
    if (command == BIO_CTRL_EOF) return stream(bio).eof_ ? 1 : 0;
    return command == BIO_CTRL_FLUSH ? 1 : 0;
  }

  static BIO* make(TlsStream& stream) {
    static BIO_METHOD* const kMethod = [] {
      BIO_METHOD* method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "fusewire");
      BIO_meth_set_read(method, read);
      BIO_meth_set_write(method, write);
      BIO_meth_set_ctrl(method, control);
      return method;
    }();
    BIO* const bio = BIO_new(kMethod);
    if (bio == nullptr) return nullptr;
    BIO_set_data(bio, &stream);
    BIO_set_init(bio, 1);
    return bio;
  }
};

TlsStream::TlsStream(TlsSetup setup, Wire wire, BufferPool& pool)
    : ssl_(std::move(setup.ssl)),
      session_(setup.session),
      keeps_session_(std::move(setup.keeps_it)),
      wire_(wire),
      pool_(pool) {
  BIO* const bio = ssl_ ? WireBio::make(*this) : nullptr;
  if (bio == nullptr) {
    end_ = Step::failed;
    fault_ = {kProtocolError, "out of memory"};
    return;
  }
  SSL_set_bio(ssl_.get(), bio, bio);
  SSL_set_app_data(ssl_.get(), this);
}

TlsStream::~TlsStream() {
  // A connection that ends without close_notify on our part would else spoil its session for the next one.
  if (ssl_) SSL_set_shutdown(ssl_.get(), SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
  pool_.give_back(std::move(out_));
}

// -1: nothing for now, or wire_error_.
int TlsStream::receive(char* memory, int size) {
  if (!wire_.readable || receives_left_ == 0) return -1;
  --receives_left_;
  ssize_t n = -1;
  do {
    n = ::recv(wire_.descriptor, memory, static_cast<std::size_t>(size), 0);
  } while (n < 0 && errno == EINTR);
  if (n < 0 && errno != EAGAIN) wire_error_ = errno;
  wire_.readable = n > 0 && (n == size || wire_.ending);
  eof_ = n == 0;
  return static_cast<int>(n);
}

int TlsStream::put(const char* bytes, int size) {
  if (!out_) out_ = pool_.take();
  const std::size_t n = std::min(static_cast<std::size_t>(size), BufferPool::kSize - out_end_);
  if (n == 0) return -1;
  std::memcpy(out_.get() + out_end_, bytes, n);
  out_end_ += n;
  return static_cast<int>(n);
}

bool TlsStream::send(int& error) {
  while (out_begin_ != out_end_) {
    const ssize_t n = ::send(wire_.descriptor, out_.get() + out_begin_, unsent(), MSG_NOSIGNAL);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0 && errno != EAGAIN) error = errno;
    if (n < 0) return false;
    out_begin_ += static_cast<std::size_t>(n);
  }
  out_begin_ = out_end_ = 0;
  pool_.give_back(std::move(out_));
  return true;
}

// ------------------------------------------------------------------------------------------------------ TLS

TlsStream::Step TlsStream::handshake() {
  if (end_ != Step::done) return end_;
  receives_left_ = kReceives;
  ERR_clear_error();
  const int result = SSL_do_handshake(ssl_.get());
  if (result != 1) return judge(result);
  ready_ = true;
  return Step::done;
}

int TlsStream::version() const { return ready_ ? SSL_version(ssl_.get()) : 0; }
bool TlsStream::resumed() const { return ready_ && SSL_session_reused(ssl_.get()) == 1; }

void TlsStream::keep_session(SslSession session) {
  if (session_ != nullptr) *session_ = std::move(session);
}

// The library goes on to its next record without us: what it is made to believe, that the peer has ended, stops it.
void TlsStream::stop_library() { SSL_set_shutdown(ssl_.get(), SSL_get_shutdown(ssl_.get()) | SSL_RECEIVED_SHUTDOWN); }

void TlsStream::note_key_update() {
  if (data_ - data_at_key_update_ >= kKeyUpdateData) key_updates_ = 0;
  if (key_updates_ == 0) data_at_key_update_ = data_;
  if (++key_updates_ > kKeyUpdates) stop_library();
}

// One with each response is a server's habit, and costs no more than the response. Many in a row keep the library from
// ever coming back to us.
void TlsStream::note_ticket() {
  if (++tickets_ > kTickets) stop_library();
}

TlsStream::Got TlsStream::read(char* memory, std::size_t size) {
  Got got{.bytes = 0, .step = end_, .more = false};
  receives_left_ = kReceives;
  while (got.step == Step::done && got.bytes < size) {
    std::size_t n = 0;
    ERR_clear_error();
    const int result = SSL_read_ex(ssl_.get(), memory + got.bytes, size - got.bytes, &n);
    got.bytes += n;
    if (n > 0) tickets_ = 0;
    if (result != 1)
      got.step = judge(result);
    else if (!wire_.readable && SSL_has_pending(ssl_.get()) == 0)
      got.step = Step::blocked;  // known without asking
  }
  data_ += got.bytes;
  const bool ends = got.step == Step::ended || got.step == Step::failed;
  got.more = got.bytes > 0 && (ends || SSL_has_pending(ssl_.get()) == 1);
  return got;
}

// A call that has not succeeded.
TlsStream::Step TlsStream::judge(int result) {
  if (key_updates_ > kKeyUpdates || tickets_ > kTickets) {
    ERR_clear_error();
    fault_ = {kProtocolError,
              tickets_ > kTickets ? "it sends too many session tickets" : "it changes its keys too often"};
    return end_ = Step::failed;
  }
  switch (SSL_get_error(ssl_.get(), result)) {
    case SSL_ERROR_WANT_READ:
      return Step::blocked;
    case SSL_ERROR_ZERO_RETURN:
      return end_ = Step::ended;
    case SSL_ERROR_WANT_WRITE:  // it makes us answer and takes none of it
      fault_ = {kProtocolError, "it reads nothing"};
      break;
    default:
      blame(ERR_peek_error());
      break;
  }
  ERR_clear_error();
  return end_ = Step::failed;
}

void TlsStream::blame(unsigned long error) {
  const int reason = ERR_GET_REASON(error);
  const bool ours = ERR_GET_LIB(error) == ERR_LIB_SSL;
  spoke_http_ = ours && (reason == SSL_R_HTTP_REQUEST || reason == SSL_R_HTTPS_PROXY_REQUEST);
  if (eof_)
    fault_ = {kProtocolError, "the connection was closed without a proper end"};
  else if (wire_error_ != 0)
    fault_ = {kProtocolError, "the connection was reset"};
  else if (ours && reason == SSL_R_CERTIFICATE_VERIFY_FAILED)
    fault_ = {kCertificateError, X509_verify_cert_error_string(SSL_get_verify_result(ssl_.get()))};
  else if (ours && reason >= kAlerts)
    fault_ = {kAlertReceived, SSL_alert_desc_string_long(reason - kAlerts)};
  else
    fault_ = {kProtocolError, text_or(ERR_reason_error_string(error), "the handshake failed")};
}

// Small pieces go out as one record: a head and its body are one system call at the peer, too.
bool TlsStream::encrypt(Gather& gather) {
  while (!gather.done() && BufferPool::kSize - out_end_ > kOverhead + kReserve) {
    const std::size_t most = std::min(kRecord, BufferPool::kSize - out_end_ - kOverhead - kReserve);
    std::array<char, kRecord> joined;
    const auto parts = gather.parts();
    const void* piece = parts.front().data();
    std::size_t size = std::min(parts.front().size(), most);
    if (size < most && parts.size() > 1) {
      size = 0;
      for (const auto& part : parts) {
        const std::size_t n = std::min(part.size(), most - size);
        std::memcpy(joined.data() + size, part.data(), n);
        size += n;
      }
      piece = joined.data();
    }
    std::size_t n = 0;
    ERR_clear_error();
    if (end_ == Step::failed || SSL_write_ex(ssl_.get(), piece, size, &n) != 1) return false;
    gather.wrote(n);
    data_ += n;
  }
  return true;
}

void TlsStream::close_notify() {
  const bool said = ssl_ && (SSL_get_shutdown(ssl_.get()) & SSL_SENT_SHUTDOWN) != 0;
  if (!ready_ || said || end_ == Step::failed || unsent() > 0) return;
  ERR_clear_error();
  SSL_shutdown(ssl_.get());
  ERR_clear_error();
}

}  // namespace fusewire::proxy
