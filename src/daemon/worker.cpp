// SPDX-License-Identifier: Apache-2.0
#include "worker.hpp"

#include <openssl/evp.h>

#include <memory>
#include <utility>

#include "millrace/base/files.hpp"
#include "millrace/base/text.hpp"
#include "millrace/event/json.hpp"
#include "millrace/event/python_text.hpp"
#include "millrace/event/yaml.hpp"

namespace millrace::daemon {
namespace {

constexpr std::size_t kMostBytes = std::size_t{1} << 30;  // of a project
constexpr std::string_view kComponent = "websocket";

std::string text_of(const Object& message, std::string_view key) {
  const auto* value = message.if_contains(key);
  const auto* text = value != nullptr ? value->if_string() : nullptr;
  return text != nullptr ? std::string(view(*text)) : std::string();
}

// Blanks and line ends are passed over.
Result<std::string> decode_base64(std::string_view text) {
  const std::unique_ptr<EVP_ENCODE_CTX, void (*)(EVP_ENCODE_CTX*)> context(EVP_ENCODE_CTX_new(),
                                                                           EVP_ENCODE_CTX_free);
  std::string decoded(text.size() / 4 * 3 + 3, '\0');
  auto* const out = reinterpret_cast<unsigned char*>(decoded.data());
  int size = 0;
  int rest = 0;
  EVP_DecodeInit(context.get());
  const bool good = EVP_DecodeUpdate(context.get(), out, &size,
                                     reinterpret_cast<const unsigned char*>(text.data()),
                                     static_cast<int>(text.size())) >= 0 &&
                    EVP_DecodeFinal(context.get(), out + size, &rest) >= 0;
  if (!good) return fail(Errc::invalid_settings, "`data` is not base64");
  decoded.resize(static_cast<std::size_t>(size + rest));
  return decoded;
}

Result<Object> decode_mapping(const Object& message) {
  const auto text = decode_base64(text_of(message, "data"));
  if (!text) return text.error();
  auto value = parse_yaml_value(*text, "what was sent");
  if (!value) return value.error();
  if (value->is_null()) return Object();
  if (!value->is_object()) return fail(Errc::invalid_settings, "`data` is not a mapping");
  return std::move(value->get_object());
}

class Conversation {
 public:
  Conversation(std::string id, Log& log) : id_(std::move(id)), log_(log) {}

  Task<Result<>> hold(net::Websocket& socket) {
    reader_ = {};
    const Object hello{{"type", "Worker"}, {"activation_id", id_}, {"activation_instance_id", id_}};
    if (auto sent = co_await socket.send(to_json(hello)); !sent) co_return sent;
    for (;;) {
      const auto message = co_await socket.receive();
      if (!message) co_return message.error();
      const auto taken = reader_.take(*message);
      log_.info(kComponent, "received {}", printable(reader_.type()));
      if (!taken) {
        co_return Error(taken.error())
            .with_context(fmt::format("message {}", printable(reader_.type())));
      }
      if (*taken) co_return Result<>();
    }
  }
  AssignmentReader& reader() { return reader_; }

 private:
  const std::string id_;
  Log& log_;
  AssignmentReader reader_;
};

}  // namespace

Result<bool> AssignmentReader::take(std::string_view message) {
  type_.clear();
  const auto parsed = parse_json(message, {.depth = 128, .bytes = std::size_t{64} << 20});
  if (!parsed || !parsed->is_object())
    return fail(Errc::invalid_settings, "the server's message is not a JSON object");
  const auto& object = parsed->get_object();
  type_ = text_of(object, "type");
  Result<> taken;
  if (type_ == "EndOfResponse") return true;
  if (type_ == "Rulebook") {
    auto text = decode_base64(text_of(object, "data"));
    if (!text) return text.error();
    rulebook_ = std::move(*text);
  } else if (type_ == "ExtraVars") {
    taken = take_variables(object);
  } else if (type_ == "EnvVars") {
    taken = take_environment(object);
  } else if (type_ == "FileContents") {
    taken = take_file(object);
  } else if (type_ == "ProjectData") {
    taken = take_project(object);
  } else if (type_ == "VaultCollection") {
    taken = take_vault(object);
  } else if (type_ == "ControllerInfo") {
    take_controller(object);
  }
  if (!taken) return taken.error();
  return false;
}

Result<> AssignmentReader::take_variables(const Object& message) {
  auto variables = decode_mapping(message);
  if (!variables) return variables.error();
  for (auto& [key, value] : *variables) assignment_.variables[key] = std::move(value);
  return {};
}

Result<> AssignmentReader::take_environment(const Object& message) {
  const auto variables = decode_mapping(message);
  if (!variables) return variables.error();
  for (const auto& [key, value] : *variables) {
    const std::string name = key;
    auto text = python_str(value);
    if (name.empty() || name.contains('=') || name.contains('\0') || text.contains('\0'))
      return fail(Errc::invalid_settings, "a name or value cannot be that of a variable");
    assignment_.environment.emplace_back(name, std::move(text));
  }
  return {};
}

// "template.NAME" is known as eda.filename.NAME, "template" alone as eda.filename.
Result<> AssignmentReader::take_file(const Object& message) {
  auto key = text_of(message, "template_key");
  constexpr std::string_view kPrefix = "template.";
  if (key.starts_with(kPrefix)) {
    key = key.substr(kPrefix.size());
  } else if (key == "template") {
    key.clear();
  }
  auto content = decode_base64(text_of(message, "data"));
  if (!content) return content.error();
  files_[key] = std::move(*content);
  return {};
}

Result<> AssignmentReader::take_project(const Object& message) {
  const auto chunk = decode_base64(text_of(message, "data"));
  if (!chunk) return chunk.error();
  if (project_.size() + chunk->size() > kMostBytes)
    return fail(Errc::invalid_settings, "the project is larger than {} bytes", kMostBytes);
  project_ += *chunk;
  has_project_ = has_project_ || !chunk->empty();
  return {};
}

Result<> AssignmentReader::take_vault(const Object& message) {
  const auto* list = message.if_contains("data");
  if (list == nullptr || !list->is_array())
    return fail(Errc::invalid_settings, "`data` is not a list");
  for (const auto& item : list->get_array()) {
    const auto* entry = item.if_object();
    if (entry == nullptr) return fail(Errc::invalid_settings, "an entry is not an object");
    assignment_.vault_passwords.push_back({text_of(*entry, "label"), text_of(*entry, "password")});
  }
  return {};
}

void AssignmentReader::take_controller(const Object& message) {
  assignment_.controller = {.url = text_of(message, "url"),
                            .token = text_of(message, "token"),
                            .ssl_verify = text_of(message, "ssl_verify"),
                            .username = text_of(message, "username"),
                            .password = text_of(message, "password")};
}

Result<Assignment> AssignmentReader::finish(const std::filesystem::path& folder) {
  if (!rulebook_) return fail(Errc::not_found, "the server gave no rulebook");
  assignment_.rulebook = folder / "rulebook.yml";
  if (auto written = write_file_atomically(assignment_.rulebook, *rulebook_); !written)
    return written.error();
  if (has_project_) {
    assignment_.project_tarball = folder / "project.tar";
    auto written = write_file_atomically(assignment_.project_tarball, project_);
    if (!written) return written.error();
  }
  Object names;
  for (const auto& [name, content] : files_) {
    const auto file = folder / ("file-" + file_name_of(name));
    if (auto written = write_file_atomically(file, content); !written) return written.error();
    names[name] = file.string();
  }
  if (names.empty()) return std::move(assignment_);
  auto& eda = assignment_.variables["eda"];
  if (!eda.is_object()) eda = Object();
  eda.get_object()["filename"] = names.contains("") ? names[""] : Value(std::move(names));
  return std::move(assignment_);
}

Task<Result<AssignmentReader>> fetch_assignment(net::WebsocketClient& client, std::string id,
                                                Log& log) {
  Conversation conversation(std::move(id), log);
  const auto held = co_await client.run(
      [&conversation](net::Websocket& socket) { return conversation.hold(socket); });
  if (!held) co_return held.error();
  co_return std::move(conversation.reader());
}

}  // namespace millrace::daemon
