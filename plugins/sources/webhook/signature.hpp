// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "millrace/base/result.hpp"

namespace millrace::webhook {

/// Checks the HMAC signature that a sender put over a body. One thread at a time.
class SignatureCheck {
 public:
  enum class Format { hex, base64 };

  /// Errors: invalid_settings for a digest that OpenSSL does not know, one without a fixed length
  /// (shake), and for a format that is neither hex nor base64.
  static Result<SignatureCheck> create(std::string_view secret, std::string_view algorithm,
                                       std::string_view format);

  SignatureCheck(SignatureCheck&&) noexcept;
  SignatureCheck& operator=(SignatureCheck&&) noexcept;
  ~SignatureCheck();

  /// `signature` is the header's value: blanks around it and the prefix "<algorithm>=" are allowed.
  bool matches(std::string_view body, std::string_view signature) const;

 private:
  struct Mac;
  SignatureCheck(std::unique_ptr<Mac> mac, std::string prefix, Format format);
  std::string sign(std::string_view body) const;

  std::unique_ptr<Mac> mac_;
  std::string prefix_;  // "sha256="
  Format format_;
};

}  // namespace millrace::webhook
