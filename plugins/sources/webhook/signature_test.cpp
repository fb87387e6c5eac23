// SPDX-License-Identifier: Apache-2.0
// Expected signatures come from `printf '{"a":1}' | openssl dgst -<digest> -hmac s3cret`.
#include "signature.hpp"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace millrace::webhook {
namespace {

constexpr std::string_view kBody = R"({"a":1})";
constexpr std::string_view kSha256 =
    "5910e62016ef5034272c926c27071992a465c2335cecf41851bda071577f4f6d";

SignatureCheck check(std::string_view algorithm, std::string_view format = "hex") {
  auto made = SignatureCheck::create("s3cret", algorithm, format);
  EXPECT_TRUE(made) << algorithm;
  return std::move(*made);
}

TEST(Signature, AgreesWithOpenSslForEveryDigest) {
  struct Known {
    std::string_view algorithm;
    std::string_view hex;
  };
  for (const auto& [algorithm, hex] : std::initializer_list<Known>{
           {"md5", "86836014288598e78033cd1a91836d21"},
           {"md5-sha1", "acc5ef872a41098b42c9a8d56ac833acf41c7a9390b84c7619846e849944a42684170919"},
           {"sha1", "79999786a1bff10cd4d7dd0b0752574af76be0b5"},
           {"sha256", kSha256},
           {"sha512",
            "23542fd0bea0c68087db62c414f80a671be36720aa0ab8a225484fce77261ae0bae8f9cd23e4d4b64540f0"
            "251a0aef2f585954ac3288b"
            "6e3caf0b6e72a31f862"},
           {"sha512_256", "20c4f29635ec342ad773a12586f822cfd899f8081b43c859728d5d0031a11676"},
           {"sha3_256", "304092f48a1cb397c8b88db76ab194b5f6bfc908e22588a9d08198bc1d05c094"},
           {"blake2b",
            "a836fa124b37c508f620d3b57dc94aadf0a0a3c6cd08797b849aef4014c2fa52b0efa3380db79e980fee9f"
            "0d828406090f9709a32da01"
            "7fb32b621b033311312"},
           {"blake2s", "8d0ba7e2f6894c4e99bd8139ff02211f9aee9feb924e3e0fddfdf1ffcc558100"},
           {"ripemd160", "0d0bb4ae080b6845c1346fae1d17509e2b099e41"},
           {"sm3", "2a824a7fd901f25063ac5326624f8673a6524262ae754013a0dd0c7915c7b4d1"},
       }) {
    EXPECT_TRUE(check(algorithm).matches(kBody, hex)) << algorithm;
  }
}

TEST(Signature, MatchesAgainAndAgain) {
  const auto signature = check("sha256");
  EXPECT_TRUE(signature.matches(kBody, kSha256));
  EXPECT_FALSE(signature.matches(R"({"a":2})", kSha256));
  EXPECT_TRUE(signature.matches(kBody, kSha256));
}

TEST(Signature, MayCarryThePrefixOfItsAlgorithm) {
  const auto signature = check("sha256");
  EXPECT_TRUE(signature.matches(kBody, "  sha256=" + std::string(kSha256) + " "));
  EXPECT_FALSE(signature.matches(kBody, "SHA256=" + std::string(kSha256)));
  EXPECT_FALSE(signature.matches(kBody, "sha1=" + std::string(kSha256)));
}

TEST(Signature, HexIsLowerCase) {
  std::string upper(kSha256);
  for (char& c : upper) c = c >= 'a' ? static_cast<char>(c - 32) : c;
  EXPECT_FALSE(check("sha256").matches(kBody, upper));
}

TEST(Signature, MayBeBase64) {
  EXPECT_TRUE(
      check("sha256", "base64").matches(kBody, "WRDmIBbvUDQnLJJsJwcZkqRlwjNc7PQYUb2gcVd/T20="));
  EXPECT_FALSE(check("sha256", "base64").matches(kBody, kSha256));
}

TEST(Signature, NeverMatchesJunk) {
  const auto signature = check("sha256");
  EXPECT_FALSE(signature.matches(kBody, ""));
  EXPECT_FALSE(signature.matches(kBody, "sha256="));
  EXPECT_FALSE(signature.matches(kBody, "é"));
  EXPECT_FALSE(signature.matches(kBody, kSha256.substr(1)));
}

TEST(Signature, RefusesUnknownAlgorithmsAndFormats) {
  for (const std::string_view algorithm : {"klingon", "shake_128", "shake256", "", "md4"}) {
    const auto made = SignatureCheck::create("s3cret", algorithm, "hex");
    ASSERT_FALSE(made) << algorithm;
    EXPECT_EQ(made.error().code(), Errc::invalid_settings);
    EXPECT_EQ(made.error().message(), "Unsupported HMAC algorithm: " + std::string(algorithm));
  }
  const auto made = SignatureCheck::create("s3cret", "sha256", "octal");
  ASSERT_FALSE(made);
  EXPECT_EQ(made.error().message(), "Unsupported HMAC header format octal");
}

}  // namespace
}  // namespace millrace::webhook
