// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>
#include <openssl/ssl.h>

#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "millrace/plugin/testing/http_test_client.hpp"
#include "webhook_source.hpp"

void millrace_describe_webhook_source(millrace::PluginBuilder&);

namespace millrace::webhook {
namespace {

using testing::Client;

using testing::SourceHarness;

// Certificates made by OpenSSL's own tool, once for all tests of this file.
class WebhookTls : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    std::string pattern = (std::filesystem::temp_directory_path() / "millrace-tls-XXXXXX").string();
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    folder() = pattern;
    const std::string_view make =
        "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -days 2";
    run(fmt::format("{} -nodes -subj /CN=localhost -keyout {} -out {}", make, file("key.pem"),
                    file("cert.pem")));
    run(fmt::format("{} -passout pass:s3cret -subj /CN=localhost -keyout {} -out {}", make,
                    file("locked.pem"), file("locked-cert.pem")));
    run(fmt::format("{} -nodes -subj /CN=client -keyout {} -out {}", make, file("client-key.pem"),
                    file("client.pem")));
  }
  static void TearDownTestSuite() { std::filesystem::remove_all(folder()); }

  static std::string& folder() {
    static std::string path;
    return path;
  }
  static std::string file(std::string_view name) { return folder() + '/' + std::string(name); }
  static void run(const std::string& command) {
    ASSERT_EQ(std::system((command + " 2>/dev/null").c_str()), 0) << command;
  }

  static std::unique_ptr<SourceHarness> webhook(Object settings) {
    settings["host"] = "127.0.0.1";
    settings["port"] = 0;
    return std::make_unique<SourceHarness>(millrace_describe_webhook_source, "webhook",
                                           std::move(settings));
  }
  static Client connect(SourceHarness& harness) {
    auto* source = static_cast<WebhookSource*>(harness.source());
    EXPECT_TRUE(harness.run_until([source] { return source->port() != 0; }));
    return Client(harness, source->port());
  }
  static std::string failure(Object settings) {
    const auto outcome = webhook(std::move(settings))->finish();
    return outcome ? "none" : outcome.error().message();
  }

  using Context = std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)>;
  static Context trusting(std::string_view certificate) {
    Context context(SSL_CTX_new(TLS_client_method()), SSL_CTX_free);
    SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER, nullptr);
    EXPECT_EQ(SSL_CTX_load_verify_locations(context.get(), file(certificate).c_str(), nullptr), 1);
    return context;
  }
};

TEST_F(WebhookTls, ServesOverTls) {
  const auto source = webhook({{"certfile", file("cert.pem")}, {"keyfile", file("key.pem")}});
  auto client = connect(*source);
  const auto context = trusting("cert.pem");
  ASSERT_TRUE(client.start_tls(context.get()));
  EXPECT_EQ(client.post("/a", "1").body, "a");
  EXPECT_EQ(client.post("/b", '"' + std::string(300'000, 'x') + '"').body, "b");
  EXPECT_EQ(client.post("/c", "1", "Connection: close\r\n").body, "c");
  EXPECT_TRUE(client.closed_by_server());
  EXPECT_TRUE(source->log_lines().front().ends_with("(TLS)"));
}

TEST_F(WebhookTls, ReadsALockedKey) {
  const auto source = webhook({{"certfile", file("locked-cert.pem")},
                               {"keyfile", file("locked.pem")},
                               {"password", "s3cret"}});
  auto client = connect(*source);
  const auto context = trusting("locked-cert.pem");
  ASSERT_TRUE(client.start_tls(context.get()));
  EXPECT_EQ(client.post("/a", "1").body, "a");
}

TEST_F(WebhookTls, FailsAtTheStartWhenACertificateCannotBeUsed) {
  const std::string_view text = "Failed to load certificates. Check they are valid: ";
  EXPECT_TRUE(failure({{"certfile", file("none.pem")}}).starts_with(text));
  EXPECT_TRUE(failure({{"certfile", file("cert.pem")}}).starts_with(text)) << "no key in it";
  EXPECT_TRUE(failure({{"certfile", file("cert.pem")}, {"keyfile", file("client-key.pem")}})
                  .starts_with(text));
  EXPECT_TRUE(failure({{"certfile", file("locked-cert.pem")}, {"keyfile", file("locked.pem")}})
                  .starts_with(text));
  EXPECT_TRUE(failure({{"certfile", file("cert.pem")},
                       {"keyfile", file("key.pem")},
                       {"cafile", file("none.pem")}})
                  .starts_with("Failed to load CA certificates. Check they are valid: "));
}

TEST_F(WebhookTls, ClosesOnClientsThatSpeakPlainHttp) {
  const auto source = webhook({{"certfile", file("cert.pem")}, {"keyfile", file("key.pem")}});
  auto client = connect(*source);
  client.send(Client::request("POST", "/", "1"));
  EXPECT_EQ(client.reply().status, 0);
  EXPECT_TRUE(source->events().empty());
}

TEST_F(WebhookTls, EndsAGreetingThatTakesTooLong) {
  const auto source = webhook({{"certfile", file("cert.pem")}, {"keyfile", file("key.pem")}});
  auto client = connect(*source);
  ASSERT_TRUE(source->run_until([turns = 0]() mutable { return ++turns > 3; }));
  source->advance(std::chrono::seconds(11));
  EXPECT_TRUE(client.closed_by_server());
}

TEST_F(WebhookTls, LetsInOnlyClientsOfTheAuthority) {
  const auto source = webhook({{"certfile", file("cert.pem")},
                               {"keyfile", file("key.pem")},
                               {"cafile", file("client.pem")}});
  const auto stranger = trusting("cert.pem");
  auto refused = connect(*source);
  // With TLS 1.3 the client has greeted before it learns that it is not welcome.
  if (refused.start_tls(stranger.get())) {
    EXPECT_EQ(refused.post("/", "1").status, 0);
  }
  EXPECT_TRUE(source->events().empty());

  const auto known = trusting("cert.pem");
  ASSERT_EQ(SSL_CTX_use_certificate_file(known.get(), file("client.pem").c_str(), SSL_FILETYPE_PEM),
            1);
  ASSERT_EQ(
      SSL_CTX_use_PrivateKey_file(known.get(), file("client-key.pem").c_str(), SSL_FILETYPE_PEM),
      1);
  auto welcome = connect(*source);
  ASSERT_TRUE(welcome.start_tls(known.get()));
  EXPECT_EQ(welcome.post("/a", "1").body, "a");
}

TEST_F(WebhookTls, StopsAtOnce) {
  const auto source = webhook({{"certfile", file("cert.pem")}, {"keyfile", file("key.pem")}});
  auto greeting = connect(*source);
  auto idle = connect(*source);
  const auto context = trusting("cert.pem");
  ASSERT_TRUE(idle.start_tls(context.get()));
  EXPECT_EQ(idle.post("/a", "1").body, "a");
  source->cancel();
  EXPECT_FALSE(source->finish());
  EXPECT_TRUE(greeting.closed_by_server());
  EXPECT_TRUE(idle.closed_by_server());
}

}  // namespace
}  // namespace millrace::webhook
