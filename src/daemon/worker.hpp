// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>

#include "millrace/base/log.hpp"
#include "millrace/daemon/assignment.hpp"
#include "millrace/net/websocket_client.hpp"

namespace millrace::daemon {

/// Puts an assignment together from the server's messages, in whatever order they come.
class AssignmentReader {
 public:
  /// True for the last one. Messages of a type that is not known are passed over. Errors:
  /// invalid_settings for what is not as agreed; never with what was sent.
  Result<bool> take(std::string_view message);
  /// Of the message taken last; empty if it had none.
  const std::string& type() const { return type_; }
  /// Writes what came as files into `folder`, and hands everything out. Errors: not_found without a
  /// rulebook; those of writing.
  Result<Assignment> finish(const std::filesystem::path& folder);

 private:
  Result<> take_project(const Object& message);
  Result<> take_file(const Object& message);
  Result<> take_variables(const Object& message);
  Result<> take_environment(const Object& message);
  Result<> take_vault(const Object& message);
  void take_controller(const Object& message);

  std::string type_;
  Assignment assignment_;
  std::optional<std::string> rulebook_;
  std::string project_;
  bool has_project_ = false;
  std::map<std::string, std::string> files_;  // by the name in `eda.filename`; empty: the only one
};

/// Asks the server what to do, and waits until it has said so; as long as that takes. What came
/// before a connection was lost is asked for again. Errors: those of the client and of take().
Task<Result<AssignmentReader>> fetch_assignment(net::WebsocketClient& client, std::string id,
                                                Log& log);

}  // namespace millrace::daemon
