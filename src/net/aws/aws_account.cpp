// SPDX-License-Identifier: Apache-2.0
// Where the keys of an Amazon account are looked for.
#include <cstdlib>
#include <filesystem>
#include <map>
#include <utility>

#include "millrace/base/files.hpp"
#include "millrace/base/text.hpp"
#include "millrace/net/aws_client.hpp"

namespace millrace::net {
namespace {

constexpr std::size_t kMostBytes = std::size_t{1} << 20;  // of a file with profiles

using Section = std::map<std::string, std::string, std::less<>>;

// The lines `key = value` of one section; nothing of indented lines, which belong to others.
Section read_section(std::string_view text, std::string_view name) {
  Section section;
  bool inside = false;
  for (const auto line : split(text, '\n')) {
    if (line.empty() || line.front() == ' ' || line.front() == '\t') continue;
    const auto trimmed = trim(line);
    if (trimmed.empty() || trimmed.front() == '#' || trimmed.front() == ';') continue;
    if (trimmed.front() == '[') {
      inside = trim(trimmed.substr(1, trimmed.find(']') - 1)) == name;
      continue;
    }
    const auto equals = trimmed.find('=');
    if (!inside || equals == std::string_view::npos) continue;
    section.emplace(trim(trimmed.substr(0, equals)), trim(trimmed.substr(equals + 1)));
  }
  return section;
}

std::filesystem::path file_at(const AwsVariables& variable, const char* name,
                              std::string_view usual) {
  if (auto given = variable(name); given && !given->empty()) return *given;
  const auto home = variable("HOME");
  return home ? std::filesystem::path(*home) / ".aws" / usual : std::filesystem::path();
}

Section read_profile(const std::filesystem::path& file, std::string_view name) {
  if (file.empty()) return {};
  const auto text = read_file(file, kMostBytes);
  return text ? read_section(*text, name) : Section();
}

std::string take(const Section& section, std::string_view key) {
  const auto found = section.find(key);
  return found == section.end() ? std::string() : found->second;
}

// All three or none: keys of one place do not go with the token of another.
void take_keys(AwsAccount& account, std::string access, std::string secret, std::string token) {
  if (!account.access_key.empty() || access.empty() || secret.empty()) return;
  account.access_key = std::move(access);
  account.secret_key = std::move(secret);
  account.session_token = std::move(token);
}

}  // namespace

std::optional<std::string> aws_variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? std::nullopt : std::optional<std::string>(value);
}

Result<AwsAccount> find_aws_account(AwsAccount given, const AwsVariables& variable) {
  const auto of = [&](const char* name) { return variable(name).value_or(""); };
  const bool has_profile = !given.profile.empty();
  if (given.access_key.empty() != given.secret_key.empty())
    return fail(Errc::invalid_settings, "access_key and secret_key go together");
  if (given.profile.empty()) given.profile = of("AWS_PROFILE");
  if (given.profile.empty()) given.profile = "default";
  if (!has_profile)
    take_keys(given, of("AWS_ACCESS_KEY_ID"), of("AWS_SECRET_ACCESS_KEY"), of("AWS_SESSION_TOKEN"));
  const auto keys =
      read_profile(file_at(variable, "AWS_SHARED_CREDENTIALS_FILE", "credentials"), given.profile);
  const auto config =
      read_profile(file_at(variable, "AWS_CONFIG_FILE", "config"),
                   given.profile == "default" ? given.profile : "profile " + given.profile);
  for (const auto* section : {&keys, &config}) {
    take_keys(given, take(*section, "aws_access_key_id"), take(*section, "aws_secret_access_key"),
              take(*section, "aws_session_token"));
  }
  for (auto region :
       {of("AWS_REGION"), of("AWS_DEFAULT_REGION"), take(config, "region"), take(keys, "region")}) {
    if (given.region.empty()) given.region = std::move(region);
  }
  if (given.access_key.empty())
    return fail(Errc::invalid_settings,
                "there are no keys: neither in the settings, nor in the environment, nor in the "
                "profile {}",
                given.profile);
  if (given.region.empty())
    return fail(Errc::invalid_settings,
                "there is no region: set region, AWS_REGION, or that of the profile {}",
                given.profile);
  return given;
}

}  // namespace millrace::net
