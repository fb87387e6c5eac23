// SPDX-License-Identifier: Apache-2.0
#include "millrace/net/request_text.hpp"

#include <gtest/gtest.h>

namespace millrace::net {
namespace {

TEST(Endpoint, IsThePathWithoutItsLeadingSlash) {
  EXPECT_EQ(endpoint_of("/end/point"), "end/point");
  EXPECT_EQ(endpoint_of("/"), "");
  EXPECT_EQ(endpoint_of("//a"), "/a");
  EXPECT_EQ(endpoint_of("/a/"), "a/");
}

TEST(Endpoint, HasNoQuery) {
  EXPECT_EQ(endpoint_of("/a?b=/c"), "a");
  EXPECT_EQ(endpoint_of("/?b"), "");
  EXPECT_EQ(endpoint_of("/a#f?"), "a");
}

TEST(Endpoint, IsPercentDecoded) {
  EXPECT_EQ(endpoint_of("/sp%20ace/%C3%A9/a%2Fb"), "sp ace/é/a/b");
  EXPECT_EQ(endpoint_of("/%F0%9F%98%80+%25"), "😀+%");
}

TEST(Endpoint, KeepsMalformedEscapesAsWritten) {
  EXPECT_EQ(endpoint_of("/a%"), "a%");
  EXPECT_EQ(endpoint_of("/a%4"), "a%4");
  EXPECT_EQ(endpoint_of("/a%zz%41"), "a%zzA");
}

TEST(Endpoint, KeepsEscapesOfInvalidUtf8AsWritten) {
  EXPECT_EQ(endpoint_of("/%FF%41"), "%FFA");
  EXPECT_EQ(endpoint_of("/%C3"), "%C3");
  EXPECT_EQ(endpoint_of("/%C3x%A9"), "%C3x%A9");
  EXPECT_EQ(endpoint_of("/%C0%AF"), "%C0%AF") << "an overlong slash";
  EXPECT_EQ(endpoint_of("/%ED%A0%80"), "%ED%A0%80") << "half a surrogate pair";
}

TEST(Endpoint, UnderstandsTheAbsoluteForm) {
  EXPECT_EQ(endpoint_of("http://example.org/a/b?c"), "a/b");
  EXPECT_EQ(endpoint_of("http://example.org"), "");
}

TEST(CharsetOf, ReadsTheContentType) {
  EXPECT_EQ(charset_of(""), Charset::utf8);
  EXPECT_EQ(charset_of("application/json"), Charset::utf8);
  EXPECT_EQ(charset_of("application/json; charset=UTF-8"), Charset::utf8);
  EXPECT_EQ(charset_of("text/plain;a=b; CharSet=\"iso-8859-1\""), Charset::latin1);
  EXPECT_EQ(charset_of("text/plain; charset=us-ascii"), Charset::ascii);
  EXPECT_EQ(charset_of("text/plain; charset=klingon"), Charset::unknown);
}

TEST(Latin1, BecomesUtf8) { EXPECT_EQ(latin1_to_utf8("a\xE9\xFF"), "aéÿ"); }

}  // namespace
}  // namespace millrace::net
