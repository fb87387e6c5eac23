// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "avro_decoder.hpp"
#include "avro_schema.hpp"
#include "millrace/event/json.hpp"

namespace millrace::kafka {
namespace {

AvroSchema schema(std::string_view json) {
  auto made = AvroSchema::parse(*parse_json(json));
  EXPECT_TRUE(made) << json << (made ? "" : made.error().message());
  return made ? std::move(*made) : AvroSchema();
}

std::string bytes(std::initializer_list<int> values) {
  std::string made;
  for (const int value : values) made.push_back(static_cast<char>(value));
  return made;
}

std::string decoded(std::string_view writer, const std::string& from) {
  const auto value = decode_avro_value(from, schema(writer), nullptr);
  return value ? to_json(*value) : value.error().message();
}

std::string resolved(std::string_view writer, std::string_view reader, const std::string& from) {
  const auto as = schema(reader);
  const auto value = decode_avro_value(from, schema(writer), &as);
  return value ? to_json(*value) : value.error().message();
}

constexpr auto* kPerson = R"({"type":"record","name":"p","fields":[
  {"name":"name","type":"string"},{"name":"age","type":"int"}]})";

TEST(Avro, ReadsPlainValues) {
  EXPECT_EQ(decoded(R"("null")", ""), "null");
  EXPECT_EQ(decoded(R"("boolean")", bytes({1})), "true");
  EXPECT_EQ(decoded(R"("int")", bytes({0x03})), "-2");
  EXPECT_EQ(decoded(R"("long")", bytes({0x80, 0x01})), "64");
  EXPECT_EQ(decoded(R"("long")", bytes({0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1})),
            "-9223372036854775808");
  EXPECT_EQ(decoded(R"("float")", bytes({0, 0, 0xc0, 0x3f})), "1.5");
  EXPECT_EQ(decoded(R"("double")", bytes({0, 0, 0, 0, 0, 0, 0xf8, 0x3f})), "1.5");
  EXPECT_EQ(decoded(R"("double")", bytes({0, 0, 0, 0, 0, 0, 0xf0, 0x7f})), "null");
  EXPECT_EQ(decoded(R"("string")", bytes({6}) + "foo"), R"("foo")");
  EXPECT_EQ(decoded(R"("bytes")", bytes({4, 0xff, 0})), R"("/wA=")");
}

TEST(Avro, ReadsWhatIsMadeOfOthers) {
  EXPECT_EQ(decoded(kPerson, bytes({6}) + "Eve" + bytes({78})), R"({"name":"Eve","age":39})");
  EXPECT_EQ(decoded(R"({"type":"array","items":"int"})", bytes({4, 2, 4, 1, 2, 6, 0})), "[1,2,3]");
  EXPECT_EQ(decoded(R"({"type":"map","values":"int"})", bytes({2, 2, 'a', 2, 0})), R"({"a":1})");
  EXPECT_EQ(decoded(R"(["null","string"])", bytes({2, 2, 'x'})), R"("x")");
  EXPECT_EQ(decoded(R"({"type":"enum","name":"e","symbols":["A","B"]})", bytes({2})), R"("B")");
  EXPECT_EQ(decoded(R"({"type":"fixed","name":"f","size":2})", "hi"), R"("hi")");
  EXPECT_EQ(decoded(R"({"type":"record","name":"n.list","fields":[
                       {"name":"next","type":["null","list"]}]})",
                    bytes({2, 2, 0})),
            R"({"next":{"next":{"next":null}}})");
}

TEST(Avro, ReadsLogicalTypes) {
  EXPECT_EQ(decoded(R"({"type":"int","logicalType":"date"})", bytes({2})), R"("1970-01-02")");
  EXPECT_EQ(decoded(R"({"type":"long","logicalType":"timestamp-millis"})", bytes({1})),
            R"("1969-12-31T23:59:59.999000+00:00")");
  EXPECT_EQ(decoded(R"({"type":"int","logicalType":"time-millis"})", bytes({0xd0, 0x0f})),
            R"("00:00:01")");
  EXPECT_EQ(decoded(R"({"type":"bytes","logicalType":"decimal","precision":4,"scale":2})",
                    bytes({4, 0xff, 0x85})),
            R"("-1.23")");
  EXPECT_EQ(decoded(R"({"type":"string","logicalType":"uuid"})", bytes({2, 'x'})), R"("x")");
}

TEST(Avro, ReadsAsAnotherSchemaWouldHaveIt) {
  const auto eve = bytes({6}) + "Eve" + bytes({78});
  EXPECT_EQ(resolved(kPerson, R"({"type":"record","name":"p","fields":[
                      {"name":"years","aliases":["age"],"type":"double"},
                      {"name":"town","type":"string","default":"Rome"}]})",
                     eve),
            R"({"years":39.0,"town":"Rome"})");
  EXPECT_TRUE(resolved(kPerson, R"({"type":"record","name":"p","fields":[
                        {"name":"town","type":"string"}]})",
                       eve)
                  .contains("no default"));
  EXPECT_EQ(resolved(R"("int")", R"(["null","long"])", bytes({2})), "1");
  EXPECT_EQ(resolved(R"("int")", R"("string")", bytes({2})),
            "not Avro: the schemas do not go together");
  EXPECT_EQ(resolved(R"({"type":"enum","name":"e","symbols":["A","B"]})",
                     R"({"type":"enum","name":"e","symbols":["A"],"default":"A"})", bytes({2})),
            R"("A")");
}

TEST(Avro, RefusesWhatIsBroken) {
  EXPECT_EQ(decoded(kPerson, bytes({6})), "not Avro: it ends too early");
  EXPECT_EQ(decoded(R"("string")", bytes({1})), "not Avro: it ends too early");
  EXPECT_EQ(decoded(R"("long")", std::string(11, '\xff')), "not Avro: a number is too long");
  EXPECT_EQ(decoded(R"(["null"])", bytes({2})), "not Avro: a branch that the union does not have");
  EXPECT_EQ(decoded(R"({"type":"array","items":"null"})", bytes({0xfe, 0xff, 0xff, 0xff, 0x0f})),
            "not Avro: it has too many values");
  EXPECT_EQ(decoded(R"({"type":"record","name":"l","fields":[{"name":"n","type":["null","l"]}]})",
                    std::string(1000, '\2')),
            "not Avro: it is nested too deeply");
}

TEST(Avro, RefusesWrongSchemas) {
  for (const auto* text :
       {"5", "[]", R"("nobody")", R"({"type":"record","name":"r"})",
        R"({"type":"enum","name":"e"})", R"({"type":"fixed","name":"f","size":-1})",
        R"({"type":"array"})", R"({})"})
    EXPECT_FALSE(AvroSchema::parse(*parse_json(text))) << text;
}

TEST(Avro, ReadsTheFirstValueOfAFile) {
  const std::string schema_text = R"("string")";
  const auto file = std::string("Obj\x01", 4) + bytes({2, 22}) + "avro.schema" +
                    bytes({static_cast<int>(schema_text.size() * 2)}) + schema_text + bytes({0}) +
                    std::string(16, 's') + bytes({4, 8, 2, 'a', 2, 'b'}) + std::string(16, 's');
  const auto value = decode_avro_file(file, nullptr);
  ASSERT_TRUE(value) << value.error().message();
  EXPECT_EQ(to_json(*value), R"("a")");
  EXPECT_FALSE(decode_avro_file(file.substr(0, 30), nullptr));
  EXPECT_FALSE(decode_avro_file("Obj", nullptr));
}

}  // namespace
}  // namespace millrace::kafka
