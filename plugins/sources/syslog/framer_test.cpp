// SPDX-License-Identifier: Apache-2.0
#include "framer.hpp"

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

namespace millrace::syslog {
namespace {

using Kind = Framer::Frame::Kind;
using Found = std::vector<std::string>;

constexpr std::size_t kMost = 20;

std::string name_of(const Framer::Frame& frame) {
  if (frame.kind == Kind::too_long) return "(too long)";
  return frame.kind == Kind::truncated ? "(truncated)" : std::string(frame.text);
}

// The messages of a stream that comes in pieces of `step` bytes.
Found frames(std::string_view stream, std::size_t step) {
  Framer framer(kMost);
  Found found;
  for (; !stream.empty(); stream.remove_prefix(std::min(step, stream.size()))) {
    framer.feed(stream.substr(0, step));
    while (const auto frame = framer.next()) found.push_back(name_of(*frame));
  }
  if (const auto rest = framer.end()) found.push_back(name_of(*rest));
  return found;
}

// However the stream is cut, the same is found in it.
Found frames(std::string_view stream) {
  const auto whole = frames(stream, stream.size() + 1);
  for (std::size_t step = 1; step < stream.size(); ++step) EXPECT_EQ(frames(stream, step), whole);
  return whole;
}

TEST(SyslogFramer, SplitsAtLineFeeds) {
  EXPECT_EQ(frames("<34>one\n<34>two\r\n\n\r\n<34>three\n"),
            (Found{"<34>one", "<34>two", "<34>three"}));
}

TEST(SyslogFramer, CountsOctets) {
  EXPECT_EQ(frames("7 <34>one7 <34>t\no5 <1>x\n"), (Found{"<34>one", "<34>t\no", "<1>x\n"}));
}

TEST(SyslogFramer, TellsTheTwoApartForEachMessage) {
  EXPECT_EQ(frames("7 <34>one<34>two\n9 <34>three<34>four\n6 <34>ab\n<34>five\n"),
            (Found{"<34>one", "<34>two", "<34>three", "<34>four", "<34>ab", "<34>five"}));
}

TEST(SyslogFramer, TakesANumberForACountOnlyWhereAMessageFollows) {
  EXPECT_EQ(frames("12 monkeys\n2023-11-14\n123\n1234567890 <34>x\n0 <34>\n"),
            (Found{"12 monkeys", "2023-11-14", "123", "1234567890 <34>x", "0 <34>"}));
}

TEST(SyslogFramer, GoesOnCountingWhatIsNoMessage) {
  EXPECT_EQ(frames("5 <34>a7 1 plain7 <34>end"), (Found{"<34>a", "1 plain", "<34>end"}));
}

TEST(SyslogFramer, RefusesWhatIsTooLongAndGoesOnBehindIt) {
  const std::string fits(kMost, 'x');
  EXPECT_EQ(frames(fits + "\n" + fits + "y\n" + fits + fits + fits + "\n<1>a\n"),
            (Found{fits, "(too long)", "(too long)", "<1>a"}));
  EXPECT_EQ(frames("21 <34>5678901234567890121 <34>a\n5 <34>b\n").size(), 2U);
  EXPECT_EQ(frames("21 <34>567890123456789015 <34>b"), (Found{"(too long)", "<34>b"}));
}

TEST(SyslogFramer, TakesALineWithoutEndAndNoCountWithoutMessage) {
  EXPECT_EQ(frames("<34>one\n<34>two"), (Found{"<34>one", "<34>two"}));
  EXPECT_EQ(frames("7 <34>one7 <34>t"), (Found{"<34>one", "(truncated)"}));
  EXPECT_EQ(frames("7 <34>one7"), (Found{"<34>one", "7"}));
  EXPECT_EQ(frames("99 <34>half"), (Found{"(too long)"}));
}

}  // namespace
}  // namespace millrace::syslog
