// SPDX-License-Identifier: Apache-2.0
#include "millrace/net/aws_client.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <map>
#include <string>

#include "millrace/base/files.hpp"
#include "millrace/event/json.hpp"
#include "millrace/net/testing/http_test_server.hpp"

namespace millrace::net {
namespace {

using testing::HttpTestServer;

class Account : public ::testing::Test {
 protected:
  Account() : folder_(::testing::TempDir() + "aws_account_" + std::to_string(::getpid())) {
    std::filesystem::create_directories(folder_ / ".aws");
    variables_["HOME"] = folder_.string();
  }
  ~Account() override { std::filesystem::remove_all(folder_); }
  void write(const char* name, std::string_view text) const {
    EXPECT_TRUE(write_file_atomically(folder_ / ".aws" / name, text));
  }
  Result<AwsAccount> find(AwsAccount given = {}) const {
    return find_aws_account(std::move(given), [this](const char* name) {
      const auto found = variables_.find(name);
      return found == variables_.end() ? std::nullopt : std::optional(found->second);
    });
  }
  const std::filesystem::path folder_;
  std::map<std::string, std::string> variables_;
};

TEST_F(Account, IsTakenFromTheSettingsFirst) {
  variables_["AWS_ACCESS_KEY_ID"] = "other";
  variables_["AWS_SECRET_ACCESS_KEY"] = "other";
  variables_["AWS_SESSION_TOKEN"] = "other";
  variables_["AWS_REGION"] = "other";
  const auto account = find({.region = "eu-west-1", .access_key = "a", .secret_key = "s"});
  ASSERT_TRUE(account) << account.error().message();
  EXPECT_EQ(account->access_key, "a");
  EXPECT_EQ(account->session_token, "");
  EXPECT_EQ(account->region, "eu-west-1");
}

TEST_F(Account, IsTakenFromTheEnvironmentThen) {
  variables_["AWS_ACCESS_KEY_ID"] = "a";
  variables_["AWS_SECRET_ACCESS_KEY"] = "s";
  variables_["AWS_SESSION_TOKEN"] = "t";
  variables_["AWS_DEFAULT_REGION"] = "eu-west-1";
  write("credentials", "[default]\naws_access_key_id=other\naws_secret_access_key=other\n");
  const auto account = find();
  ASSERT_TRUE(account) << account.error().message();
  EXPECT_EQ(account->access_key, "a");
  EXPECT_EQ(account->secret_key, "s");
  EXPECT_EQ(account->session_token, "t");
  EXPECT_EQ(account->region, "eu-west-1");
}

TEST_F(Account, IsTakenFromFilesAtLast) {
  write("credentials",
        "# keys\n[default]\naws_access_key_id = d\naws_secret_access_key = ds\n\n"
        "[work]\naws_access_key_id = w\naws_secret_access_key = w=s\naws_session_token = wt\n");
  write("config",
        "[default]\nregion = eu-west-1\n[profile work]\nregion = us-east-1\ns3 =\n  region = no\n"
        "[profile only]\naws_access_key_id = o\naws_secret_access_key = os\nregion = ap-east-1\n");
  const auto account = find();
  ASSERT_TRUE(account) << account.error().message();
  EXPECT_EQ(account->access_key, "d");
  EXPECT_EQ(account->region, "eu-west-1");

  const auto work = find({.profile = "work"});
  ASSERT_TRUE(work) << work.error().message();
  EXPECT_EQ(work->secret_key, "w=s");
  EXPECT_EQ(work->session_token, "wt");
  EXPECT_EQ(work->region, "us-east-1");

  variables_["AWS_PROFILE"] = "only";
  EXPECT_EQ(find()->access_key, "o");
}

TEST_F(Account, IsMissed) {
  EXPECT_TRUE(find().error().message().starts_with("there are no keys"));
  EXPECT_TRUE(find({.access_key = "a", .secret_key = "s"}).error().message().contains("region"));
  EXPECT_EQ(find({.access_key = "a"}).error().message(), "access_key and secret_key go together");
}

std::string answer(int status, std::string_view body) {
  return fmt::format("HTTP/1.1 {} Whatever\r\nContent-Length: {}\r\n\r\n{}", status, body.size(),
                     body);
}

class Calls : public ::testing::Test {
 protected:
  Calls() : http_(*HttpClient::create(loop_)) {}

  Result<Object> call(const std::string& url) {
    AwsClient client(*http_, {.name = "sqs", .target = "AmazonSQS", .json_version = "1.0"},
                     {.region = "eu-west-1",
                      .endpoint_url = url,
                      .access_key = "AKID",
                      .secret_key = "s3cret",
                      .session_token = "t0ken"});
    std::optional<Result<Object>> outcome;
    loop_.run_until_done(keep(client, outcome));
    return *outcome;
  }
  static Task<> keep(AwsClient& client, std::optional<Result<Object>>& outcome) {
    outcome = co_await client.call("GetQueueUrl", {{"QueueName", "q"}});
  }
  const SystemClock clock_;
  MainLoop loop_{clock_};
  std::unique_ptr<HttpClient> http_;
};

TEST_F(Calls, AreSignedAndAnswered) {
  const HttpTestServer server({{"/", answer(200, R"({"QueueUrl": "u"})")}});
  const auto called = call(server.url("/"));
  ASSERT_TRUE(called) << called.error().message();
  EXPECT_EQ(to_json(*called), R"({"QueueUrl":"u"})");
  const auto request = server.requests().front();
  EXPECT_TRUE(request.contains("X-Amz-Target: AmazonSQS.GetQueueUrl\r\n")) << request;
  EXPECT_TRUE(request.contains("Content-Type: application/x-amz-json-1.0\r\n"));
  EXPECT_TRUE(request.contains("X-Amz-Security-Token: t0ken\r\n"));
  EXPECT_TRUE(request.contains("Authorization: AWS4-HMAC-SHA256 Credential=AKID/"));
  EXPECT_TRUE(request.contains("/eu-west-1/sqs/aws4_request"));
  EXPECT_TRUE(request.ends_with(R"({"QueueName":"q"})"));
  EXPECT_FALSE(request.contains("s3cret"));
}

TEST_F(Calls, TellWhatCanBeDoneAboutARefusal) {
  const HttpTestServer server(
      {{"/busy", answer(400, R"({"__type": "ThrottlingException", "message": "slow"})")},
       {"/down", answer(503, "<html>")},
       {"/none", answer(400, R"({"__type": "com.amazonaws.sqs#QueueDoesNotExist"})")},
       {"/keys", answer(403, R"({"__type": "InvalidClientTokenId", "Message": "no"})")},
       {"/wrong", answer(400, R"({"__type": "com.amazonaws.sqs#InvalidSecurity"})")},
       {"/text", answer(200, "[]")}});
  const auto code = [&](const char* path) { return call(server.url(path)).error().code(); };
  EXPECT_EQ(code("/busy"), Errc::unavailable);
  EXPECT_EQ(code("/down"), Errc::unavailable);
  EXPECT_EQ(code("/none"), Errc::not_found);
  EXPECT_EQ(code("/keys"), Errc::permission_denied);
  EXPECT_EQ(code("/wrong"), Errc::invalid_settings);
  EXPECT_EQ(code("/text"), Errc::unavailable);
  EXPECT_EQ(call(server.url("/keys")).error().message(),
            "GetQueueUrl: 403 InvalidClientTokenId: no");
}

TEST_F(Calls, GoToTheServiceOfTheRegion) {
  const AwsService service{.name = "sqs", .target = "T", .json_version = "1.0"};
  EXPECT_EQ(AwsClient(*http_, service, {.region = "eu-west-1"}).url(),
            "https://sqs.eu-west-1.amazonaws.com/");
  EXPECT_EQ(AwsClient(*http_, service, {.region = "cn-north-1"}).url(),
            "https://sqs.cn-north-1.amazonaws.com.cn/");
}

}  // namespace
}  // namespace millrace::net
