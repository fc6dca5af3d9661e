// The value tree of specs: what YAML files, overrides and resolved configs are made of.
// Every node knows where it was written, so that each later complaint can say so.
#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace subband::config {

/// Where a value was written. `source` is a file name, `override 2 (a.b=c)`, `default`, or empty.
struct Place {
  std::shared_ptr<const std::string> source;
  int line = 0;    ///< from 1; 0: no line
  int column = 0;  ///< from 1
  /// How a number, boolean or null was typed, where we would write it otherwise: `1e5`, `1.10`, `010`.
  std::shared_ptr<const std::string> typed = nullptr;
  std::string text() const;  ///< `recipe.yaml:12:14`
};

struct Entry;

/// A value: null, boolean, integer, number, string, list or map. Maps keep the order of their keys.
class Node {
 public:
  enum class Kind { null, boolean, integer, number, string, list, map };

  // Defined where Entry, which holds a Node, is whole.
  Node();
  Node(const Node& other);
  Node(Node&& other) noexcept;
  Node& operator=(const Node& other);
  Node& operator=(Node&& other) noexcept;
  ~Node();
  explicit Node(bool value);
  explicit Node(int64_t value);
  explicit Node(double value);
  explicit Node(std::string value);
  explicit Node(const char* value);
  static Node list(std::vector<Node> items = {});
  static Node map();

  Kind kind() const { return kind_; }
  bool is(Kind kind) const { return kind_ == kind; }
  bool is_missing() const { return kind_ == Kind::string && string_ == "???"; }  ///< the mandatory value
  const char* kind_name() const;  ///< `null`, `boolean`, `integer`, `number`, `string`, `list`, `map`

  // Reading; each asserts the kind.
  bool boolean() const;
  int64_t integer() const;
  double number() const;  ///< of an integer too
  const std::string& string() const;
  const std::vector<Node>& items() const;
  std::vector<Node>& items();
  const std::vector<Entry>& entries() const;
  std::vector<Entry>& entries();
  size_t size() const;  ///< items or entries; 0 for a scalar

  // Maps.
  const Node* find(std::string_view key) const;  ///< nullptr where absent, or this is no map
  Node* find(std::string_view key);
  Node& set(std::string_view key, Node value);  ///< replace in position, or append; this must be a map
  bool erase(std::string_view key);

  /// The node under a dotted path (`a.b.0`), or nullptr.
  const Node* at(std::string_view path) const;
  /// Sets a value under a dotted path, making maps on the way (a scalar in the way is replaced).
  Node& set_at(std::string_view path, Node value);

  Place place;  ///< who wrote it last

  bool operator==(const Node& other) const;  ///< values and order; places do not count; 1 is not 1.0

 private:
  Kind kind_ = Kind::null;
  int64_t integer_ = 0;
  double number_ = 0;
  std::string string_;
  std::vector<Node> items_;
  std::vector<Entry> entries_;
};

struct Entry {
  std::string key;
  Node::Kind key_kind = Node::Kind::string;  ///< `1: a` has an integer key; `key` holds its text
  Place key_place;
  Node value;

  /// The key as it was typed: `1.10`, whose `key` is `1.1`.
  const std::string& label() const { return key_place.typed ? *key_place.typed : key; }
};

/// Text as a JSON string, with its quotes.
std::string json_string(const std::string& text);
/// One compact JSON document; NaN and infinities as the strings `.nan`, `.inf`, `-.inf`.
/// `sorted`: keys in byte order, the canonical form that hashes are taken of.
std::string to_json(const Node& node, bool sorted = false);
/// Block-style YAML 1.2 that every reader takes for the same values.
std::string to_yaml(const Node& node);
/// The same with each value's place behind it as a comment (`width: 64    # wavelet.yaml:5:10`), or `default`; lists
/// stand on one line.
std::string to_yaml_with_origins(const Node& node);
/// `# text`, on one line whatever the text holds.
std::string yaml_comment(std::string_view text);
/// How a value looks inside an error message: short, on one line, its words as they were typed.
std::string brief(const Node& node);

}  // namespace subband::config
