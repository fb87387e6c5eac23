// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "avro_schema.hpp"
#include "millrace/net/http_client.hpp"
#include "millrace/plugin/settings.hpp"
#include "millrace/plugin/source.hpp"

namespace millrace::kafka {

/// Where schemas are had, and how one shows there who one is.
struct RegistryOptions {
  std::string url;
  std::optional<std::pair<std::string, std::string>> user_and_password;
  std::string bearer_token;
  struct Client {
    std::string id;
    std::string secret;
    std::string token_url;
    std::string scope;
  };
  std::optional<Client> client;
  net::TlsClientFiles tls;

  /// Nothing when no registry is wanted. Errors: invalid_settings.
  static Result<std::optional<RegistryOptions>> read(const Settings& settings);
};

/// Asks a schema registry for schemas by number, and remembers the last hundred. Loop thread only.
class SchemaRegistry {
 public:
  /// Errors: io.
  static Result<std::unique_ptr<SchemaRegistry>> create(SourceContext& context,
                                                        const RegistryOptions& options);

  /// Errors: not_found, invalid_event: there is no such schema, or none that makes sense, or no
  /// answer after three tries; permission_denied: the registry refuses us; cancelled.
  Task<Result<std::shared_ptr<const AvroSchema>>> get(std::uint32_t id);

 private:
  SchemaRegistry(SourceContext& context, const RegistryOptions& options,
                 std::unique_ptr<net::HttpClient> client);
  Task<Result<net::HttpResponse>> ask(std::uint32_t id);
  Task<Result<>> refresh_token();

  SourceContext& context_;
  const RegistryOptions& options_;
  const std::unique_ptr<net::HttpClient> client_;
  std::list<std::pair<std::uint32_t, std::shared_ptr<const AvroSchema>>> known_;  // newest first
  std::string token_;
  Instant token_ends_;
};

}  // namespace millrace::kafka
