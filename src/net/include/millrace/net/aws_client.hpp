// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "millrace/base/result.hpp"
#include "millrace/event/value.hpp"
#include "millrace/net/http_client.hpp"

namespace millrace::net {

/// Who asks, and where. What is empty is looked for: first in the environment, then in the files
/// that Amazon's own tools read.
struct AwsAccount {
  std::string region = {};
  std::string endpoint_url = {};  ///< empty: the service's own in that region
  std::string access_key = {};
  std::string secret_key = {};
  std::string session_token = {};
  std::string profile = {};
};

/// The value of an environment variable; nothing when it is not set.
using AwsVariables = std::function<std::optional<std::string>(const char* name)>;
std::optional<std::string> aws_variable(const char* name);

/// Fills in what is not given: keys from AWS_ACCESS_KEY_ID…, then from the profile in
/// ~/.aws/credentials or ~/.aws/config; the region from AWS_REGION or AWS_DEFAULT_REGION, then from
/// the profile. Reads small files. Errors: invalid_settings when there are no keys or there is no
/// region; messages hold no secrets.
Result<AwsAccount> find_aws_account(AwsAccount given, const AwsVariables& variable = aws_variable);

/// A service that speaks JSON, as Amazon's do.
struct AwsService {
  std::string name;          ///< in signatures and host names: "sqs"
  std::string target;        ///< what X-Amz-Target has before the dot: "AmazonSQS"
  std::string json_version;  ///< "1.0", "1.1"
};

/// Calls operations of one service, signed. Loop thread only.
class AwsClient {
 public:
  /// `http` outlives it; `account` as find_aws_account() gives it.
  AwsClient(HttpClient& http, AwsService service, AwsAccount account);

  /// One request, one answer. Errors: those of HttpClient; unavailable when the service fails or
  /// asks to be left alone for a while; permission_denied for keys that are wrong or may not do
  /// this; not_found; invalid_settings for any other refusal. Messages have the service's words.
  Task<Result<Object>> call(std::string_view operation, Object input,
                            Duration timeout = std::chrono::seconds(30));
  const std::string& url() const { return url_; }

 private:
  HttpClient& http_;
  const AwsService service_;
  const AwsAccount account_;
  const std::string url_;
};

}  // namespace millrace::net
