// SPDX-License-Identifier: Apache-2.0
// yaml-cpp scans and parses; this builds the tree, types the scalars, expands aliases within
// bounds, and words the faults. yaml-cpp reports faults by throwing, and a handler can stop it only
// by throwing: both end in YamlReader::read().
#include "millrace/event/yaml.hpp"

#include <fmt/format.h>
#include <yaml-cpp/depthguard.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/mark.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <iterator>
#include <optional>
#include <ranges>
#include <spanstream>
#include <unordered_map>

#include "utf8.hpp"
#include "yaml_scalar.hpp"
#include "yaml_syntax.hpp"

namespace millrace {
namespace {

constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
constexpr std::size_t kMostFaults = 100;  // reported of one text
constexpr std::string_view kCoreTag = "tag:yaml.org,2002:";

struct Stop {};  // thrown through yaml-cpp when reading on would be of no use

// How much a subtree holds.
struct Extent {
  std::size_t nodes = 0;
  std::size_t bytes = 0;
  std::size_t depth = 0;  // of containers
};

Extent extent_of(const YamlNode& node) {
  Extent sum{.nodes = 1, .bytes = node.text.size(), .depth = 0};
  const auto add = [&](const YamlNode& inner) {
    const auto extent = extent_of(inner);
    sum.nodes += extent.nodes;
    sum.bytes += extent.bytes;
    sum.depth = std::max(sum.depth, extent.depth);
  };
  std::ranges::for_each(node.items, add);
  for (const auto& [key, value] : node.entries) {
    add(key);
    add(value);
  }
  if (node.kind != YamlNode::Kind::scalar) ++sum.depth;
  return sum;
}

// Of entries with the same key the last one stays, at the place of the first.
std::vector<YamlNode::Entry> without_duplicates(std::vector<YamlNode::Entry> entries,
                                                const auto& on_duplicate) {
  std::vector<YamlNode::Entry> kept;
  kept.reserve(entries.size());
  std::unordered_map<std::string, std::size_t> places;
  for (auto& entry : entries) {
    const auto [place, is_new] = places.try_emplace(entry.key.text, kept.size());
    if (is_new) {
      kept.push_back(std::move(entry));
    } else {
      auto& earlier = kept[place->second];
      on_duplicate(earlier.key, entry.key);
      earlier = std::move(entry);
    }
  }
  return kept;
}

// yaml-cpp writes the escapes \N and \_ as the bare bytes 85 and A0.
std::string with_valid_utf8(const std::string& text) {
  std::string out;
  for (std::size_t at = 0; at < text.size();) {
    const auto length = decode_utf8(std::string_view(text).substr(at)).length;
    if (length == 0) {
      append_utf8(out, static_cast<unsigned char>(text[at]));
    } else {
      out.append(text, at, length);
    }
    at += std::max<std::size_t>(length, 1);
  }
  return out;
}

class YamlReader final : public YAML::EventHandler {
 public:
  YamlReader(const YamlSource& source, const YamlLimits& limits, Diagnostics& diagnostics)
      : source_(source), limits_(limits), diagnostics_(diagnostics) {}

  // The document, complete if no error was reported.
  YamlNode read() {
    const auto text = source_.text();
    try {
      std::ispanstream stream(std::span<const char>(text.data(), text.size()));
      YAML::Parser parser(stream);
      check_prologue();
      parser.HandleNextDocument(*this);
      parser.HandleNextDocument(*this);
      check_epilogue();
    } catch (const Stop&) {                       // NOLINT(bugprone-empty-catch): already reported
    } catch (const YAML::DeepRecursion& fault) {  // yaml-cpp's own bound, about 500 levels
      error("yaml-limit", offset_of(fault.mark), 1, "nested too deep", {});
    } catch (const YAML::ParserException& fault) {
      report_syntax(fault);
    }
    return std::move(root_);
  }

 private:
  using Kind = YamlNode::Kind;

  struct Frame {
    YamlNode node;
    std::size_t offset = 0;
    YAML::anchor_t anchor = YAML::NullAnchor;
    bool flow = false;
    std::optional<YamlNode> key;  // of a mapping, waiting for its value
    std::size_t key_offset = 0;
    bool key_merges = false;       // the key is `<<`
    std::vector<YamlNode> merges;  // values of the keys `<<`
  };

  struct Anchored {
    YamlNode node;
    Extent extent;
  };

  static std::size_t offset_of(const YAML::Mark& mark) {
    return static_cast<std::size_t>(std::max(mark.pos, 0));
  }

  // Events, in the order of the text.

  void OnDocumentStart(
      const YAML::Mark& mark) override {  // NOLINT(readability-identifier-naming): yaml-cpp's
    if (!std::exchange(started_, true)) return;
    const auto offset = offset_of(mark);
    if (source_.from(offset).starts_with("---")) {
      error("yaml-document", offset, 3, "a second document", "keep one document in a file");
    } else {
      error("yaml-syntax", offset, 1, "unexpected text behind the end of the document",
            "check the indentation; a text that begins with a quote must end with it");
    }
    throw Stop();
  }

  void OnDocumentEnd() override {}  // NOLINT(readability-identifier-naming)

  void OnNull(const YAML::Mark& mark,
              YAML::anchor_t anchor) override {  // NOLINT(readability-identifier-naming)
    const auto offset = offset_of(mark);
    if (in_mapping() && !frames_.back().key && source_.from(offset).starts_with(':')) {
      error("yaml-syntax", offset, 1, "a key is missing before this `:`",
            "quote a text that begins with `:`");
    }
    const bool awaited = in_mapping() && frames_.back().key;  // a key may do without a value
    if (!frames_.empty() && frames_.back().flow && !awaited &&
        source_.from(offset).starts_with(',')) {
      error("yaml-syntax", offset, 1, "something is missing before this comma", {});
    }
    if (awaited && !frames_.back().flow && offset == frames_.back().key_offset) {
      error("yaml-syntax", offset, 1, "a key without `:` behind it",
            "write `key: value`, or check the indentation");
    }
    auto node = scalar_node(offset, null_text(offset));
    if (node.text.empty() && awaited) node.where = behind(frames_.back().key->where);
    place(std::move(node), offset, anchor);
  }

  void OnScalar(const YAML::Mark& mark, const std::string& tag,
                YAML::anchor_t anchor,  // NOLINT(readability-identifier-naming)
                const std::string& text) override {
    const auto offset = offset_of(mark);
    auto node = scalar_node(offset, text);
    node.scalar = typed(node, tag, offset);
    if (in_mapping() && !frames_.back().key && is_merge_key(node, tag))
      frames_.back().key_merges = true;
    place(std::move(node), offset, anchor);
  }

  void OnAlias(const YAML::Mark& mark,
               YAML::anchor_t anchor) override {  // NOLINT(readability-identifier-naming)
    const auto offset = offset_of(mark);
    const auto found = anchored_.find(anchor);
    if (found == anchored_.end()) {
      error("recursive-alias", offset, 1, "an alias within the node that it stands for",
            "JSON values have no cycles");
      throw Stop();
    }
    const auto& [node, extent] = found->second;
    spend(expanded_, extent, offset);
    nodes_ += extent.nodes;
    check_nodes(offset);
    if (frames_.size() + extent.depth > limits_.depth) stop_too_deep(offset);
    add(YamlNode(node), offset);
  }

  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag,
                       YAML::anchor_t anchor,  // NOLINT(readability-identifier-naming)
                       YAML::EmitterStyle::value style) override {
    open(Kind::sequence, mark, tag, anchor, style);
  }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag,
                  YAML::anchor_t anchor,  // NOLINT(readability-identifier-naming)
                  YAML::EmitterStyle::value style) override {
    open(Kind::mapping, mark, tag, anchor, style);
  }
  void OnSequenceEnd() override { close(); }  // NOLINT(readability-identifier-naming)
  void OnMapEnd() override {                  // NOLINT(readability-identifier-naming)
    auto& frame = frames_.back();
    frame.node.entries = united(std::move(frame.node.entries), std::move(frame.merges));
    close();
  }

  // Building.

  void open(Kind kind, const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
            YAML::EmitterStyle::value style) {
    const auto offset = offset_of(mark);
    if (frames_.size() >= limits_.depth) stop_too_deep(offset);
    check_container_tag(kind, tag, offset);
    Frame frame;
    frame.node.kind = kind;
    frame.node.where = source_.at(offset);
    frame.offset = offset;
    frame.anchor = anchor;
    frame.flow = style == YAML::EmitterStyle::Flow;
    frames_.push_back(std::move(frame));
    const bool in_brackets = style == YAML::EmitterStyle::Flow;
    last_ =
        std::max(last_, in_brackets ? skip_yaml_properties(source_.text(), offset) + 1 : offset);
  }

  void close() {
    Frame frame = std::move(frames_.back());
    frames_.pop_back();
    place(std::move(frame.node), frame.offset, frame.anchor);
  }

  // A node that was read, not expanded from an alias.
  void place(YamlNode node, std::size_t offset, YAML::anchor_t anchor) {
    ++nodes_;
    check_nodes(offset);
    if (anchor != YAML::NullAnchor) {
      const auto extent = extent_of(node);
      spend(kept_, extent, offset);
      anchored_.insert_or_assign(anchor, Anchored{node, extent});
    }
    add(std::move(node), offset);
  }

  void add(YamlNode node, std::size_t offset) {
    if (frames_.empty()) {
      root_ = std::move(node);
    } else if (!in_mapping()) {
      frames_.back().node.items.push_back(std::move(node));
    } else if (auto& frame = frames_.back(); !frame.key) {
      frame.key = checked_key(std::move(node), offset);
      frame.key_offset = offset;
    } else if (std::exchange(frame.key_merges, false)) {
      frame.key.reset();
      frame.merges.push_back(std::move(node));
    } else {
      frame.node.entries.push_back({*std::exchange(frame.key, std::nullopt), std::move(node)});
    }
  }

  bool in_mapping() const { return !frames_.empty() && frames_.back().node.kind == Kind::mapping; }

  // The entries of merged mappings come first, of a list's the first one's last, so that what is
  // nearer wins.
  std::vector<YamlNode::Entry> united(std::vector<YamlNode::Entry> own,
                                      std::vector<YamlNode> merges) {
    own = without_duplicates(std::move(own), [&](const YamlNode& first, const YamlNode& again) {
      if (diagnostics_.items().size() >= kMostFaults) return;
      diagnostics_.warning("duplicate-key", again.where,
                           fmt::format("key `{}` again; the value at line {} is ignored",
                                       again.text, first.where.line));
    });
    if (merges.empty()) return own;
    std::vector<YamlNode::Entry> all;
    for (auto& merge : merges) merge_into(all, std::move(merge));
    std::ranges::move(own, std::back_inserter(all));
    return without_duplicates(std::move(all), [](const YamlNode&, const YamlNode&) {});
  }

  void merge_into(std::vector<YamlNode::Entry>& all, YamlNode merge) {
    if (merge.is_sequence()) {
      for (auto& item : std::views::reverse(merge.items)) merge_mapping(all, std::move(item));
    } else {
      merge_mapping(all, std::move(merge));
    }
  }

  void merge_mapping(std::vector<YamlNode::Entry>& all, YamlNode merge) {
    if (merge.is_mapping()) {
      std::ranges::move(merge.entries, std::back_inserter(all));
    } else {
      diagnostics_.error("invalid-merge", merge.where, "`<<` merges mappings only",
                         "give it a mapping, or a list of mappings");
    }
  }

  YamlNode checked_key(YamlNode key, std::size_t offset) {
    if (key.kind == Kind::scalar) return key;
    const auto text = source_.text();
    if (offset > 0 && text.substr(offset - 1).starts_with("{{")) {
      const auto end = text.find("}}", offset);
      error("unquoted-template", offset - 1, end == std::string_view::npos ? 2 : end + 3 - offset,
            "`{{` begins a mapping here, not a template", "quote the whole text: \"{{ … }}\"");
      template_line_ = key.where.line;
    } else {
      error("invalid-key", offset, 1, "a list or a mapping cannot be a key", {});
    }
    YamlNode stand_in;
    stand_in.where = key.where;
    stand_in.text = fmt::format("{}", offset);
    return stand_in;
  }

  // Scalars.

  YamlNode scalar_node(std::size_t offset, const std::string& text) {
    const auto source = source_.text();
    const auto content = skip_yaml_properties(source, offset);
    const auto rest = source_.from(content);
    const auto line_end = std::min(source.find_first_of("\r\n", offset), source.size());
    YamlNode node;
    node.text = text;
    std::size_t end = std::max(line_end, offset);
    if (rest.starts_with('|') || rest.starts_with('>')) {
      node.style = YamlNode::Style::block;
    } else if (rest.starts_with('"') || rest.starts_with('\'')) {
      node.style = YamlNode::Style::quoted;
      node.text = with_valid_utf8(text);
      const auto length = yaml_quoted_length(rest);
      if (length == 0)
        report_open_quote(content);  // yaml-cpp takes the end of the text for a quote
      end = content + length;
    } else if (rest.starts_with(text)) {
      end = text.empty() ? offset : content + text.size();
    }
    last_ = std::max(last_, end);
    const auto last_shown = std::min(end, line_end);
    node.where = source_.at(offset, last_shown > offset ? last_shown - offset : 1);
    return node;
  }

  void report_open_quote(std::size_t offset) {
    error("yaml-syntax", offset, 1, "the quote is not closed",
          "end the text with the quote it begins with");
  }

  // A null as written; "" where nothing is written: then `offset` is where the next thing begins,
  // perhaps a key "null".
  std::string null_text(std::size_t offset) const {
    const auto rest = source_.from(skip_yaml_properties(source_.text(), offset));
    const bool is_key = in_mapping() && !frames_.back().key;
    for (const std::string_view word : {"~", "null", "Null", "NULL"}) {
      if (!rest.starts_with(word)) continue;
      const auto after = rest.substr(word.size());
      if (after.empty() || std::string_view(" \t\r\n,]}").contains(after[0])) {
        const auto next = after.find_first_not_of(" \t");
        const bool before_colon = next != std::string_view::npos && after[next] == ':';
        if (is_key || !before_colon) return std::string(word);
      } else if (is_key && after[0] == ':') {
        return std::string(word);
      }
    }
    return {};
  }

  static bool is_merge_key(const YamlNode& node, const std::string& tag) {
    if (tag == "?") return node.style == YamlNode::Style::plain && node.text == "<<";
    return tag == "tag:yaml.org,2002:merge";
  }

  Value typed(const YamlNode& node, const std::string& tag, std::size_t offset) {
    Value string(boost::json::string_view(node.text.data(), node.text.size()));
    if (tag == "?" || tag == "!")
      return node.style == YamlNode::Style::plain ? yaml_plain_value(node.text) : string;
    if (tag == "!vault") return string;
    if (!tag.starts_with(kCoreTag)) return unknown_tag(tag, offset);
    const auto name = std::string_view(tag).substr(kCoreTag.size());
    if (name == "str" || name == "merge") return string;
    if (name == "null") return nullptr;
    if (name == "bool") return checked(yaml_bool(node.text), node, "a boolean");
    if (name == "int") return checked(yaml_int(node.text), node, "an integer");
    if (name == "float") return checked(yaml_float(node.text), node, "a floating point number");
    if (name == "seq" || name == "map") return misplaced_tag(tag, offset, "a scalar");
    return unknown_tag(tag, offset);
  }

  Value checked(std::optional<Value> value, const YamlNode& node, std::string_view wanted) {
    if (value) return *std::move(value);
    diagnostics_.error("invalid-scalar", node.where,
                       fmt::format("`{}` is not {}", node.text, wanted),
                       "mend it, or remove the tag");
    return nullptr;
  }

  void check_container_tag(Kind kind, const std::string& tag, std::size_t offset) {
    if (tag.empty() || tag == "?" || tag == "!") return;
    const bool sequence = kind == Kind::sequence;
    if (tag == (sequence ? "tag:yaml.org,2002:seq" : "tag:yaml.org,2002:map")) return;
    for (const std::string_view other : {"str", "int", "float", "bool", "null", "seq", "map"}) {
      if (tag == fmt::format("{}{}", kCoreTag, other)) {
        misplaced_tag(tag, offset, sequence ? "a list" : "a mapping");
        return;
      }
    }
    if (tag == "!vault") {
      misplaced_tag(tag, offset, sequence ? "a list" : "a mapping");
    } else {
      unknown_tag(tag, offset);
    }
  }

  static std::string shown(const std::string& tag) {
    return tag.starts_with(kCoreTag) ? "!!" + tag.substr(kCoreTag.size()) : tag;
  }

  Value misplaced_tag(const std::string& tag, std::size_t offset, std::string_view kind) {
    error("misplaced-tag", offset, shown(tag).size(),
          fmt::format("the tag `{}` does not fit {}", shown(tag), kind), "remove the tag");
    return nullptr;
  }

  Value unknown_tag(const std::string& tag, std::size_t offset) {
    error("unknown-tag", offset, shown(tag).size(), fmt::format("unknown tag `{}`", shown(tag)),
          "known are !!str, !!int, !!float, !!bool, !!null, !!seq, !!map and !vault; quote a text "
          "that begins with `!`");
    return nullptr;
  }

  // Bounds and faults.

  void check_nodes(std::size_t offset) {
    if (nodes_ > limits_.nodes) stop_too_large(offset);
    if (diagnostics_.has_errors() && diagnostics_.items().size() >= kMostFaults) throw Stop();
  }

  void spend(Extent& budget, const Extent& extent, std::size_t offset) {
    budget.nodes += extent.nodes;
    budget.bytes += extent.bytes;
    if (budget.nodes > limits_.nodes || budget.bytes > limits_.bytes) stop_too_large(offset);
  }

  [[noreturn]] void stop_too_large(std::size_t offset) {
    error("yaml-limit", offset, 1,
          fmt::format("more than {} nodes or {} bytes, aliases expanded", limits_.nodes,
                      limits_.bytes),
          "split the file, or use fewer aliases");
    throw Stop();
  }

  [[noreturn]] void stop_too_deep(std::size_t offset) {
    error("yaml-limit", offset, 1, fmt::format("nested deeper than {} levels", limits_.depth), {});
    throw Stop();
  }

  void report_syntax(const YAML::ParserException& fault) {
    YamlProgress progress{.offset = last_, .open_flows = {}};
    for (const auto& frame : frames_) {
      if (frame.flow)
        progress.open_flows.push_back(skip_yaml_properties(source_.text(), frame.offset));
    }
    auto item = explain_yaml_fault(fault, source_, progress);
    if (item.where.line == template_line_) return;  // a consequence of the unquoted template
    diagnostics_.error(std::move(item.code), std::move(item.where), std::move(item.message),
                       std::move(item.hint));
  }

  // yaml-cpp passes over unknown directives, and over those that no document follows.
  void check_prologue() {
    const auto text = source_.text();
    std::optional<std::size_t> directive;
    std::size_t start = skip_yaml_properties(text, 0);
    while (source_.from(start).starts_with('%')) {
      if (!directive) directive = start;
      start = skip_yaml_properties(text, std::min(text.find('\n', start), text.size()));
    }
    if (directive && !source_.from(start).starts_with("---")) report_directive(*directive);
  }

  void check_epilogue() {
    const auto stray = source_.text().find("\n%", last_);
    if (started_ && stray != std::string_view::npos) report_directive(stray + 1);
  }

  void report_directive(std::size_t offset) {
    error("yaml-syntax", offset, 1,
          "a line that begins with `%` is a directive; `---` must follow it",
          "quote a text that begins with `%`");
  }

  static Location behind(Location where) {
    where.column += where.length;
    where.length = 1;
    return where;
  }

  void error(std::string code, std::size_t offset, std::size_t length, std::string message,
             std::string hint) {
    diagnostics_.error(std::move(code), source_.at(offset, length), std::move(message),
                       std::move(hint));
  }

  const YamlSource& source_;
  const YamlLimits limits_;
  Diagnostics& diagnostics_;
  YamlNode root_;
  std::vector<Frame> frames_;
  std::unordered_map<YAML::anchor_t, Anchored> anchored_;
  Extent kept_;      // copies of anchored nodes
  Extent expanded_;  // copies made for aliases
  std::size_t nodes_ = 0;
  std::size_t last_ = 0;  // offset behind what was read
  std::size_t template_line_ = 0;
  bool started_ = false;
};

// PyYAML takes a carriage return alone for a line end, yaml-cpp does not.
std::string with_line_feeds(std::string_view text) {
  std::string out(text);
  for (std::size_t at = 0; at < out.size(); ++at) {
    if (out[at] == '\r' && (at + 1 == out.size() || out[at + 1] != '\n')) out[at] = '\n';
  }
  return out;
}

}  // namespace

const YamlNode* YamlNode::find(std::string_view key) const {
  const auto found = std::ranges::find(
      entries, key, [](const Entry& entry) -> std::string_view { return entry.key.text; });
  return found == entries.end() ? nullptr : &found->value;
}

std::unique_ptr<YamlNode> parse_yaml(std::string_view text, const std::string& file,
                                     Diagnostics& diagnostics, const YamlLimits& limits) {
  if (text.size() > limits.bytes) {
    diagnostics.error(
        "yaml-limit", {.file = file},
        fmt::format("{} bytes are more than the {} allowed", text.size(), limits.bytes));
    return nullptr;
  }
  if (text.starts_with(kByteOrderMark)) text.remove_prefix(kByteOrderMark.size());
  const auto normal = text.contains('\r') ? with_line_feeds(text) : std::string();
  const YamlSource source(normal.empty() ? text : normal, file);
  Diagnostics found;
  std::unique_ptr<YamlNode> root;
  if (check_yaml_characters(source, found)) {
    root = std::make_unique<YamlNode>(YamlReader(source, limits, found).read());
  }
  if (found.has_errors()) root.reset();
  diagnostics.append(std::move(found));
  return root;
}

Value to_value(const YamlNode& node) {
  switch (node.kind) {
    case YamlNode::Kind::scalar:
      return node.scalar;
    case YamlNode::Kind::sequence: {
      Array array;
      array.reserve(node.items.size());
      for (const auto& item : node.items) array.push_back(to_value(item));
      return array;
    }
    case YamlNode::Kind::mapping:
      break;
  }
  Object object;
  object.reserve(node.entries.size());
  for (const auto& [key, value] : node.entries) object.insert_or_assign(key.text, to_value(value));
  return object;
}

Result<Value> parse_yaml_value(std::string_view text, const std::string& file,
                               const YamlLimits& limits) {
  Diagnostics diagnostics;
  if (const auto root = parse_yaml(text, file, diagnostics, limits)) return to_value(*root);
  const auto fault = std::ranges::find(diagnostics.items(), Severity::error, &Diagnostic::severity);
  return fail(Errc::invalid_settings, "{}:{}:{}: {}", fault->where.file, fault->where.line,
              fault->where.column, fault->message);
}

}  // namespace millrace
