// SPDX-License-Identifier: Apache-2.0
#include "datagram_receiver.hpp"

#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <boost/asio/ip/v6_only.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cerrno>
#include <cstddef>
#include <memory>
#include <utility>

#include "millrace/net/listening.hpp"

namespace millrace::syslog {
namespace {

using boost::system::error_code;

constexpr std::size_t kBatch = 64;
constexpr std::size_t kMostDatagram = 65536;  // there are none so large
constexpr int kSystemBuffer = 4 << 20;        // the system gives less if it is told to

/// Reads datagrams, many at a call, into memory that is used again and again.
class DatagramBatch {
 public:
  /// Room for datagrams of `most` bytes; of longer ones, that they are.
  explicit DatagramBatch(std::size_t most)
      : room_(std::min(most + 1, kMostDatagram)),
        bytes_(std::make_unique_for_overwrite<std::byte[]>(room_ * kBatch)) {}

  /// What is there, without waiting. Errors: io.
  Result<std::size_t> read(int socket) {
    for (std::size_t i = 0; i < kBatch; ++i) {
      parts_.at(i) = {.iov_base = bytes_.get() + i * room_, .iov_len = room_};
      headers_.at(i) = {.msg_hdr = {.msg_name = peers_.at(i).data(),
                                    .msg_namelen = static_cast<socklen_t>(peers_.at(i).capacity()),
                                    .msg_iov = &parts_.at(i),
                                    .msg_iovlen = 1}};
    }
    const int count = ::recvmmsg(socket, headers_.data(), kBatch, MSG_DONTWAIT, nullptr);
    if (count >= 0) return static_cast<std::size_t>(count);
    if (errno == EAGAIN || errno == EINTR) return std::size_t{0};
    return fail_errno(errno, "cannot receive datagrams");
  }

  std::string_view text(std::size_t index) const {
    return {static_cast<const char*>(parts_.at(index).iov_base), headers_.at(index).msg_len};
  }
  std::string peer(std::size_t index) {
    auto& peer = peers_.at(index);
    peer.resize(headers_.at(index).msg_hdr.msg_namelen);
    return net::to_text(peer.address(), peer.port());
  }

 private:
  const std::size_t room_;
  const std::unique_ptr<std::byte[]> bytes_;
  std::array<iovec, kBatch> parts_{};
  std::array<mmsghdr, kBatch> headers_{};
  std::array<asio::ip::udp::endpoint, kBatch> peers_;
};

}  // namespace

DatagramReceiver::DatagramReceiver(SourceContext& context, ReceiverOptions options)
    : Receiver(context, std::move(options), "udp"), warns_(context.clock()) {}

std::uint16_t DatagramReceiver::open(const asio::ip::address& address, std::uint16_t port,
                                     error_code& error) {
  const Udp::endpoint endpoint(address, port);
  Udp::socket socket(context().loop().executor());
  socket.open(endpoint.protocol(), error);
  if (!error && address.is_v6()) socket.set_option(asio::ip::v6_only(true), error);
  if (!error) socket.bind(endpoint, error);
  if (error) return 0;
  error_code ignored;  // a smaller buffer holds less, that is all
  socket.set_option(asio::socket_base::receive_buffer_size(kSystemBuffer), ignored);
  sockets_.push_back(std::move(socket));
  return sockets_.back().local_endpoint().port();
}

void DatagramReceiver::start() {
  for (auto& socket : sockets_) tasks().spawn("datagrams", receive(socket));
}

void DatagramReceiver::close() {
  error_code ignored;
  for (auto& socket : sockets_) socket.close(ignored);
}

Task<> DatagramReceiver::receive(Udp::socket& socket) {
  const auto batch = std::make_unique<DatagramBatch>(options().max_message);
  while (!tasks().stopping()) {
    error_code error;
    co_await socket.async_wait(Udp::socket::wait_read,
                               asio::redirect_error(asio::use_awaitable, error));
    if (tasks().stopping()) co_return;
    const auto count = batch->read(socket.native_handle());
    if (!count) co_return fail_with(count.error());
    std::vector<Event> events;
    events.reserve(*count);
    for (std::size_t i = 0; i < *count; ++i) {
      const auto text = batch->text(i);
      if (text.size() > options().max_message) {
        refuse_too_long(batch->peer(i));
      } else if (!text.empty()) {
        events.push_back(event_of(text, batch->peer(i)));
      }
    }
    warn_when_behind();
    if (!co_await emit(std::move(events))) co_return;
  }
}

void DatagramReceiver::warn_when_behind() {
  if (context().room() > 0 || !warns_.now()) return;
  log().warning(log_name(), "the engine is behind: datagrams that come meanwhile may be lost");
}

}  // namespace millrace::syslog
