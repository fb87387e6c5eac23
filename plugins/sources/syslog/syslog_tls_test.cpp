// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>
#include <openssl/ssl.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "syslog_source.hpp"
#include "syslog_test_client.hpp"

void millrace_describe_syslog_source(millrace::PluginBuilder&);

namespace millrace::syslog {
namespace {

using testing::SourceHarness;

// Certificates made by OpenSSL's own tool, once for all tests of this file.
class SyslogTls : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    std::string pattern =
        (std::filesystem::temp_directory_path() / "millrace-syslog-XXXXXX").string();
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

  static Object files() { return {{"certfile", file("cert.pem")}, {"keyfile", file("key.pem")}}; }
  static Object files_of_guarded() {
    Object settings = files();
    settings["cafile"] = file("client.pem");
    return settings;
  }
  static std::unique_ptr<SourceHarness> syslog(Object settings) {
    settings["transport"] = "tls";
    settings["port"] = 0;
    return std::make_unique<SourceHarness>(millrace_describe_syslog_source, "syslog",
                                           std::move(settings));
  }
  static Sender connect(SourceHarness& harness) {
    auto* source = static_cast<SyslogSource*>(harness.source());
    EXPECT_TRUE(harness.run_until([source] { return source->port() != 0; }));
    return Sender(harness, source->port());
  }
  static std::string failure(Object settings) {
    const auto outcome = syslog(std::move(settings))->finish();
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

TEST_F(SyslogTls, TakesMessages) {
  const auto source = syslog(files());
  auto sender = connect(*source);
  const auto context = trusting("cert.pem");
  ASSERT_TRUE(sender.start_tls(context.get()));
  sender.send("7 <34>one");
  sender.send("<34>two\n");
  ASSERT_TRUE(source->run_until([&] { return source->events().size() == 2; }));

  EXPECT_EQ(source->events().back().at("syslog").at("message"), Value("two"));
  EXPECT_EQ(source->events().back().at("meta").at("peer"), Value(sender.name()));
  EXPECT_TRUE(source->log_lines().front().starts_with("info listening on tls 127.0.0.1:"));
}

TEST_F(SyslogTls, LetsInOnlyClientsOfTheAuthority) {
  const auto source = syslog(files_of_guarded());
  const auto stranger = trusting("cert.pem");
  auto refused = connect(*source);
  // With TLS 1.3 the client has greeted before it learns that it is not welcome.
  if (refused.start_tls(stranger.get())) refused.send("<34>x\n");
  EXPECT_TRUE(refused.closed());
  EXPECT_TRUE(source->events().empty());
  EXPECT_TRUE(source->run_until(
      [&] { return source->log_lines().back().starts_with("warning no TLS with 127.0.0.1:"); }));

  const auto known = trusting("cert.pem");
  ASSERT_EQ(SSL_CTX_use_certificate_file(known.get(), file("client.pem").c_str(), SSL_FILETYPE_PEM),
            1);
  ASSERT_EQ(
      SSL_CTX_use_PrivateKey_file(known.get(), file("client-key.pem").c_str(), SSL_FILETYPE_PEM),
      1);
  auto welcome = connect(*source);
  ASSERT_TRUE(welcome.start_tls(known.get()));
  welcome.send("<34>hi\n");
  EXPECT_TRUE(source->run_until([&] { return source->events().size() == 1; }));
}

TEST_F(SyslogTls, ClosesOnSendersWithoutTls) {
  const auto source = syslog(files());
  auto sender = connect(*source);
  sender.send("<34>one\n<34>two\n");
  EXPECT_TRUE(sender.closed());
  EXPECT_TRUE(source->events().empty());
}

TEST_F(SyslogTls, EndsAGreetingThatTakesTooLong) {
  const auto source = syslog(files());
  auto sender = connect(*source);
  ASSERT_TRUE(source->run_until([turns = 0]() mutable { return ++turns > 3; }));
  source->advance(std::chrono::seconds(11));
  EXPECT_TRUE(sender.closed());
}

TEST_F(SyslogTls, ClosesASilentConnection) {
  const auto source = syslog(files());
  auto sender = connect(*source);
  const auto context = trusting("cert.pem");
  ASSERT_TRUE(sender.start_tls(context.get()));
  sender.send("<34>one\n");
  ASSERT_TRUE(source->run_until([&] { return source->events().size() == 1; }));
  ASSERT_TRUE(source->run_until([turns = 0]() mutable { return ++turns > 3; }));
  source->advance(std::chrono::seconds(301));
  EXPECT_TRUE(sender.closed());
}

TEST_F(SyslogTls, FailsAtTheStartWhenAFileCannotBeUsed) {
  EXPECT_TRUE(failure({{"certfile", file("none.pem")}}).contains(": certfile: cannot use /"));
  EXPECT_TRUE(failure({{"certfile", file("cert.pem")}}).contains(": keyfile: cannot use /"))
      << "no key in it";
  EXPECT_TRUE(failure({{"certfile", file("cert.pem")}, {"keyfile", file("client-key.pem")}})
                  .contains(": keyfile: cannot use /"));
  EXPECT_TRUE(failure({{"certfile", file("locked-cert.pem")}, {"keyfile", file("locked.pem")}})
                  .contains(": keyfile: cannot use /"));
  Object settings = files();
  settings["cafile"] = "";
  EXPECT_TRUE(failure(settings).contains(": cafile: cannot use "));
}

TEST_F(SyslogTls, StopsAtOnce) {
  const auto source = syslog(files());
  auto greeting = connect(*source);
  auto idle = connect(*source);
  const auto context = trusting("cert.pem");
  ASSERT_TRUE(idle.start_tls(context.get()));
  source->cancel();
  EXPECT_FALSE(source->finish());
  EXPECT_TRUE(greeting.closed());
  EXPECT_TRUE(idle.closed());
}

}  // namespace
}  // namespace millrace::syslog
