// SPDX-License-Identifier: Apache-2.0
#include "sas_token.hpp"

#include <gtest/gtest.h>

namespace millrace::azure_service_bus {
namespace {

using namespace std::chrono_literals;

// Made with Python's hmac and urllib.
constexpr auto* kToken =
    "SharedAccessSignature sr=sb%3A%2F%2Fns.example%2Fa%20queue&"
    "sig=0AyCdzSo%2FVjm36wh69VeIedK1iPRKUIkgDNQt5y0Dis%3D&se=1700003600&skn=Root%2FKey";

TEST(SasToken, IsWhatOthersMakeOfTheSame) {
  EXPECT_EQ(
      sign_token("sb://ns.example/a queue", "Root/Key", "k3y==", WallTime(1700003600s) - 900ms),
      kToken);
}

TEST(SasToken, SaysUntilWhenItIsValid) {
  EXPECT_EQ(expiry_of(kToken), WallTime(1700003600s));
  EXPECT_EQ(expiry_of("SharedAccessSignature sr=a"), std::nullopt);
  EXPECT_EQ(expiry_of("se=soon"), std::nullopt);
  EXPECT_EQ(expiry_of("se=99999999999999999"), std::nullopt);
}

}  // namespace
}  // namespace millrace::azure_service_bus
