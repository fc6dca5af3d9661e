#include "experiments/interchange/pickle.h"

#include <fmt/format.h>

#include <bit>
#include <cstring>
#include <optional>
#include <unordered_map>

#include "core/error.h"
#include "core/text.h"

namespace subband::pickle {

namespace {

// Far above any state dictionary, far below what would fill the memory.
constexpr size_t kMostValues = 2'000'000;
constexpr size_t kMostDimensions = 64;

constexpr const char* kOrderedDictionary = "collections OrderedDict";
constexpr const char* kDefaultDictionary = "collections defaultdict";
constexpr const char* kTensor = "torch._utils _rebuild_tensor_v2";
constexpr const char* kParameter = "torch._utils _rebuild_parameter";
constexpr const char* kEncode = "_codecs encode";

bool is_known_name(const std::string& name) {
  static constexpr const char* kStorages[] = {"Double", "Float", "Half", "BFloat16", "Long",
                                              "Int",    "Short", "Char", "Byte",     "Bool"};
  for (const char* known : {kOrderedDictionary, kDefaultDictionary, kTensor, kParameter, kEncode})
    if (name == known) return true;
  for (const char* type : kStorages)
    if (name == std::string("torch ") + type + "Storage") return true;
  return false;
}

// Names that no data have: in Python a file with one of them is a program. Nothing of it runs here; it is refused so that
// the user is told.
bool is_program(const std::string& module, const std::string& name) {
  const std::string outer = module.substr(0, module.find('.'));
  for (const char* known : {"os", "posix", "nt", "subprocess", "sys", "shutil", "socket", "pty", "runpy", "importlib",
                            "ctypes", "pickle", "marshal", "code", "webbrowser", "commands"})
    if (outer == known) return true;
  if (outer != "builtins" && outer != "__builtin__") return false;
  for (const char* known : {"eval", "exec", "compile", "__import__", "open", "getattr", "execfile", "input", "apply"})
    if (name == known) return true;
  return false;
}

// `é` and other characters below 256 as single bytes.
std::optional<std::string> latin1(std::string_view utf8) {
  std::string bytes;
  for (size_t i = 0; i < utf8.size(); ++i) {
    const auto first = static_cast<unsigned char>(utf8[i]);
    if (first < 0x80) {
      bytes += utf8[i];
    } else if ((first == 0xc2 || first == 0xc3) && i + 1 < utf8.size()) {
      const auto second = static_cast<unsigned char>(utf8[++i]);
      bytes += static_cast<char>(((first & 0x03) << 6) | (second & 0x3f));
    } else {
      return {};
    }
  }
  return bytes;
}

class Machine {
 public:
  Machine(std::string_view bytes, const std::string& place) : bytes_(bytes), place_(place) {}

  Document run() {
    while (!done_) {
      const size_t start = at_;
      const auto opcode = static_cast<unsigned char>(take(1)[0]);
      opcode_at_ = start;
      if (!scalar(opcode) && !text(opcode) && !container(opcode) && !memo(opcode) && !construct(opcode) &&
          !object(opcode))
        refuse_opcode(opcode);
    }
    document_.root = pop();
    return std::move(document_);
  }

 private:
  [[noreturn]] void fail(const std::string& what) const {
    throw Error(place_, fmt::format("pickle: byte {}: {}", opcode_at_, what));
  }

  [[noreturn]] void refuse_opcode(unsigned char opcode) const {
    const std::string shown =
        opcode > 0x20 && opcode < 0x7f ? fmt::format(" '{}'", static_cast<char>(opcode)) : "";
    fail(fmt::format("opcode 0x{:02x}{}: no part of a state dictionary; nothing of it was executed", opcode,
                     shown));
  }

  std::string_view take(size_t count) {
    if (count > bytes_.size() - at_) {
      opcode_at_ = at_;
      fail("the file ends in the middle");
    }
    const std::string_view taken = bytes_.substr(at_, count);
    at_ += count;
    return taken;
  }

  uint64_t take_number(size_t count) {
    uint64_t value = 0;
    const std::string_view taken = take(count);
    for (size_t i = count; i-- > 0;) value = value << 8 | static_cast<unsigned char>(taken[i]);
    return value;
  }

  std::string take_line() {
    const size_t end = bytes_.find('\n', at_);
    if (end == std::string_view::npos || end - at_ > 1000) fail("a name without an end");
    std::string line(take(end - at_));
    take(1);
    return line;
  }

  size_t add(Value value) {
    if (document_.values.size() >= kMostValues)
      fail(fmt::format("more than {} values", grouped(kMostValues)));
    document_.values.push_back(std::move(value));
    return document_.values.size() - 1;
  }
  void push(Value value) { stack_.push_back(add(std::move(value))); }
  size_t pop() {
    const size_t floor = marks_.empty() ? 0 : marks_.back();
    if (stack_.size() <= floor) fail("takes a value where there is none");
    const size_t top = stack_.back();
    stack_.pop_back();
    return top;
  }
  Value& top_of(Kind kind, const char* wanted) {
    const size_t floor = marks_.empty() ? 0 : marks_.back();
    if (stack_.size() <= floor) fail("takes a value where there is none");
    Value& top = document_.values[stack_.back()];
    if (top.kind != kind) fail(std::string("expected ") + wanted);
    return top;
  }
  std::vector<size_t> pop_to_mark() {
    if (marks_.empty()) fail("takes values where no mark is set");
    const auto from = stack_.begin() + static_cast<std::ptrdiff_t>(marks_.back());
    std::vector<size_t> parts(from, stack_.end());
    stack_.erase(from, stack_.end());
    marks_.pop_back();
    return parts;
  }
  void push_tuple(size_t count) {
    Value tuple{.kind = Kind::tuple};
    tuple.parts.resize(count);
    for (size_t i = count; i-- > 0;) tuple.parts[i] = pop();
    push(std::move(tuple));
  }

  void push_integer(int64_t value) { push({.kind = Kind::integer, .integer = value}); }
  bool push_text(Kind kind, size_t length_bytes) {
    const uint64_t length = take_number(length_bytes);
    if (length > bytes_.size()) fail("the file ends in the middle");
    push({.kind = kind, .text = std::string(take(static_cast<size_t>(length)))});
    return true;
  }
  void push_other(std::string name, std::vector<size_t> parts = {}) {
    push({.kind = Kind::other, .text = std::move(name), .parts = std::move(parts)});
  }

  bool scalar(unsigned char opcode) {
    switch (opcode) {
      case 0x80:
        return check_protocol(), true;
      case 'N':
        return push({}), true;
      case 0x88:
      case 0x89:
        return push({.kind = Kind::boolean, .integer = opcode == 0x88}), true;
      case 'K':
        return push_integer(static_cast<int64_t>(take_number(1))), true;
      case 'M':
        return push_integer(static_cast<int64_t>(take_number(2))), true;
      case 'J':
        return push_integer(static_cast<int32_t>(take_number(4))), true;
      case 0x8a:
        return push_long(static_cast<size_t>(take_number(1))), true;
      case 0x8b:
        return push_long(static_cast<size_t>(take_number(4))), true;
      case 'G':
        return push_double(), true;
      case 'I':
      case 'L':
        return push_written_integer(), true;
      case 'F':
        return push_written_number(), true;
      case 0x95:  // a frame of protocol 4: only says how much follows
        return take_number(8), true;
      default:
        return false;
    }
  }

  bool text(unsigned char opcode) {
    switch (opcode) {
      case 'X':
        return push_text(Kind::text, 4);
      case 0x8c:
        return push_text(Kind::text, 1);
      case 0x8d:
        return push_text(Kind::text, 8);
      case 'B':
        return push_text(Kind::bytes, 4);
      case 'C':
        return push_text(Kind::bytes, 1);
      case 0x8e:
      case 0x96:
        return push_text(Kind::bytes, 8);
      case 'U':  // text of Python 2
        return push_text(Kind::text, 1);
      case 'T':
        return push_text(Kind::text, 4);
      case 'V':
        return push({.kind = Kind::text, .text = take_line()}), true;
      case 'S': {
        const std::string quoted = take_line();
        if (quoted.size() < 2) fail("text without quotes");
        return push({.kind = Kind::text, .text = quoted.substr(1, quoted.size() - 2)}), true;
      }
      default:
        return false;
    }
  }

  void check_protocol() {
    const uint64_t protocol = take_number(1);
    if (protocol > 5) fail(fmt::format("protocol {}: must be at most 5", protocol));
  }

  // Little-endian two's complement of any length; what is no size or offset of any tensor is a value that none needs.
  void push_long(size_t count) {
    if (count > 8) return take(count), push_other("a whole number beyond 64 bits");
    uint64_t value = take_number(count);
    if (count > 0 && count < 8 && value >> (8 * count - 1)) value |= ~uint64_t{0} << 8 * count;
    push_integer(static_cast<int64_t>(value));
  }

  // Protocol 0: `3`, `3L`, and `00` and `01` for false and true.
  void push_written_integer() {
    std::string line = take_line();
    if (line == "00" || line == "01") return push({.kind = Kind::boolean, .integer = line == "01"});
    if (line.ends_with('L')) line.pop_back();
    const auto value = parse_integer(line);
    if (value)
      push_integer(*value);
    else
      push_other("a whole number");
  }
  void push_written_number() { push({.kind = Kind::number, .number = parse_number(take_line()).value_or(0)}); }

  void push_double() {
    uint64_t bits = 0;
    for (const char byte : take(8)) bits = bits << 8 | static_cast<unsigned char>(byte);
    push({.kind = Kind::number, .number = std::bit_cast<double>(bits)});
  }

  bool container(unsigned char opcode) {
    switch (opcode) {
      case '(':
        return marks_.push_back(stack_.size()), true;
      case ')':
        return push({.kind = Kind::tuple}), true;
      case ']':
        return push({.kind = Kind::list}), true;
      case '}':
        return push({.kind = Kind::dictionary}), true;
      case 't': {
        std::vector<size_t> parts = pop_to_mark();
        return push({.kind = Kind::tuple, .parts = std::move(parts)}), true;
      }
      case 0x85:
        return push_tuple(1), true;
      case 0x86:
        return push_tuple(2), true;
      case 0x87:
        return push_tuple(3), true;
      case 'a':
        return extend(Kind::list, "a list", {pop()}), true;
      case 'e':
        return extend(Kind::list, "a list", pop_to_mark()), true;
      case 's': {
        const size_t value = pop(), key = pop();
        return extend(Kind::dictionary, "a dictionary", {key, value}), true;
      }
      case 'u':
        return extend(Kind::dictionary, "a dictionary", pop_to_mark()), true;
      case 'l':
        return push({.kind = Kind::list, .parts = pop_to_mark()}), true;
      case 'd': {
        std::vector<size_t> parts = pop_to_mark();
        if (parts.size() % 2 != 0) fail("a key without a value");
        return push({.kind = Kind::dictionary, .parts = std::move(parts)}), true;
      }
      case 0x8f:  // sets
        return push_other("a set"), true;
      case 0x90:
        return pop_to_mark(), top_of(Kind::other, "a set"), true;
      case 0x91:
        return push_other("a set", pop_to_mark()), true;
      case '0':
        return pop(), true;
      case '1':
        return pop_to_mark(), true;
      case '2':
        return stack_.push_back(pop()), stack_.push_back(stack_.back()), true;
      default:
        return false;
    }
  }

  void extend(Kind kind, const char* wanted, const std::vector<size_t>& parts) {
    if (is_other_on_top()) return;  // items of a list or dictionary of a class of its own
    Value& top = top_of(kind, wanted);
    if (kind == Kind::dictionary && parts.size() % 2 != 0) fail("a key without a value");
    top.parts.insert(top.parts.end(), parts.begin(), parts.end());
  }

  bool memo(unsigned char opcode) {
    switch (opcode) {
      case 'q':
        return remember(take_number(1)), true;
      case 'r':
        return remember(take_number(4)), true;
      case 'h':
        return recall(take_number(1)), true;
      case 'j':
        return recall(take_number(4)), true;
      case 0x94:
        return remember(memo_.size()), true;
      case 'p':
        return remember(take_key()), true;
      case 'g':
        return recall(take_key()), true;
      default:
        return false;
    }
  }
  uint64_t take_key() {
    const auto key = parse_integer(take_line());
    if (!key || *key < 0) fail("keeps a value under what is no number");
    return static_cast<uint64_t>(*key);
  }
  void remember(uint64_t key) {
    const size_t top = pop();
    stack_.push_back(top);
    memo_[key] = top;
  }
  void recall(uint64_t key) {
    const auto found = memo_.find(key);
    if (found == memo_.end()) fail(fmt::format("recalls value {}, which was never kept", key));
    stack_.push_back(found->second);
  }

  bool construct(unsigned char opcode) {
    switch (opcode) {
      case 'c': {
        const std::string module = take_line(), name = take_line();
        return push_name(module, name), true;
      }
      case 0x93: {
        const std::string name = pop_text(), module = pop_text();
        return push_name(module, name), true;
      }
      case 'Q':
        return push_storage(), true;
      case 'R':
        return reduce(), true;
      case 'b':
        return build(), true;
      case '.':
        return done_ = true;
      default:
        return false;
    }
  }

  // Instances of classes: nothing is made of them but a mark where they stand.
  bool object(unsigned char opcode) {
    switch (opcode) {
      case 0x81:  // class, arguments
        return pop(), pop_class(), true;
      case 0x92:  // class, arguments, named arguments
        return pop(), pop(), pop_class(), true;
      case 'o': {
        const std::vector<size_t> parts = pop_to_mark();
        if (parts.empty()) fail("an object without a class");
        return push_other(document_.values[parts[0]].text), true;
      }
      case 'i': {
        const std::string module = take_line(), name = take_line();
        refuse_program(module, name);
        return pop_to_mark(), push_other(module + " " + name), true;
      }
      default:
        return false;
    }
  }
  void pop_class() {
    const Value& made = document_.values[pop()];
    push_other(made.text);
  }
  std::string pop_text() {
    const Value& value = document_.values[pop()];
    if (value.kind != Kind::text) fail("expected a name");
    return value.text;
  }
  bool is_other_on_top() const {
    const size_t floor = marks_.empty() ? 0 : marks_.back();
    return stack_.size() > floor && document_.values[stack_.back()].kind == Kind::other;
  }

  void refuse_program(const std::string& module, const std::string& name) const {
    if (is_program(module, name))
      fail(fmt::format("names {}.{}: no part of a state dictionary; nothing of it was executed", module, name));
  }
  // What no tensor needs may have any other name: a class of the program that saved the file.
  void push_name(const std::string& module, const std::string& name) {
    refuse_program(module, name);
    const std::string both = module + " " + name;
    push({.kind = is_known_name(both) ? Kind::name : Kind::other, .text = both});
  }

  const Value& part(const Value& value, size_t index) const { return document_.values[value.parts[index]]; }

  void push_storage() {
    const Value& id = document_.values[pop()];
    if (id.kind == Kind::tuple && id.parts.size() == 5 && part(id, 1).kind == Kind::other)
      return push_other(part(id, 1).text);  // values of a type that is none of ours
    const bool fits = id.kind == Kind::tuple && id.parts.size() == 5 && part(id, 0).kind == Kind::text &&
                      part(id, 0).text == "storage" && part(id, 1).kind == Kind::name &&
                      part(id, 1).text.ends_with("Storage") && part(id, 2).kind == Kind::text &&
                      part(id, 4).kind == Kind::integer && part(id, 4).integer >= 0;
    if (!fits) fail("persistent id: expected ('storage', type, key, device, values)");
    push({.kind = Kind::storage,
          .integer = part(id, 4).integer,
          .text = part(id, 2).text,
          .parts = {id.parts[1]}});
  }

  void reduce() {
    const size_t arguments = pop(), callable = pop();
    if (document_.values[arguments].kind != Kind::tuple) fail("a call without arguments");
    if (document_.values[callable].kind == Kind::other) {
      const Value& given = document_.values[arguments];
      const bool says_class = !given.parts.empty() && part(given, 0).kind == Kind::other;  // copyreg's two functions
      return push_other(std::string(says_class ? part(given, 0).text : document_.values[callable].text));
    }
    const std::string name =
        document_.values[callable].kind == Kind::name ? document_.values[callable].text : std::string();
    const Value& given = document_.values[arguments];
    if (name == kOrderedDictionary && (given.parts.empty() || part(given, 0).kind == Kind::list))
      push_ordered(given);
    else if (name == kDefaultDictionary)
      push({.kind = Kind::dictionary});
    else if (name == kTensor && !given.parts.empty() && part(given, 0).kind == Kind::other)
      push_other(part(given, 0).text);
    else if (name == kTensor)
      push_tensor(given);
    else if (name == kParameter && !given.parts.empty() && part(given, 0).kind == Kind::other)
      push_other(part(given, 0).text);
    else if (name == kParameter && !given.parts.empty() && part(given, 0).kind == Kind::tensor)
      stack_.push_back(given.parts[0]);
    else if (name == kEncode)
      push_encoded(given);
    else
      fail("a call of what is no constructor of a state dictionary; nothing of it was executed");
  }

  // Empty, or of a list of pairs, as Python 2 wrote it.
  void push_ordered(const Value& given) {
    Value dictionary{.kind = Kind::dictionary};
    if (!given.parts.empty())
      for (const size_t pair : part(given, 0).parts) {
        const Value& both = document_.values[pair];
        if (both.parts.size() != 2) fail("collections.OrderedDict: expected pairs");
        dictionary.parts.insert(dictionary.parts.end(), both.parts.begin(), both.parts.end());
      }
    push(std::move(dictionary));
  }

  // (storage, offset, sizes, strides, requires_grad, hooks, perhaps metadata)
  void push_tensor(const Value& given) {
    const bool fits = given.parts.size() >= 6 && given.parts.size() <= 7 &&
                      part(given, 0).kind == Kind::storage && part(given, 1).kind == Kind::integer &&
                      part(given, 1).integer >= 0;
    if (!fits) fail("_rebuild_tensor_v2: expected (storage, offset, sizes, strides, requires_grad, hooks)");
    Value tensor{.kind = Kind::tensor,
                 .integer = part(given, 1).integer,
                 .parts = {given.parts[0]},
                 .sizes = counts_of(part(given, 2)),
                 .strides = counts_of(part(given, 3))};
    if (tensor.sizes.size() != tensor.strides.size())
      fail("_rebuild_tensor_v2: as many strides as sizes expected");
    check_inside(tensor, part(given, 0));
    push(std::move(tensor));
  }

  std::vector<int64_t> counts_of(const Value& tuple) const {
    if (tuple.kind != Kind::tuple || tuple.parts.size() > kMostDimensions) fail("expected a tuple of sizes");
    std::vector<int64_t> counts;
    for (size_t i = 0; i < tuple.parts.size(); ++i) {
      const Value& item = part(tuple, i);
      if (item.kind != Kind::integer || item.integer < 0) fail("expected sizes of zero and more");
      counts.push_back(item.integer);
    }
    return counts;
  }

  // The last value that the tensor reaches lies in its storage.
  void check_inside(const Value& tensor, const Value& storage) const {
    int64_t last = tensor.integer, count = 1;
    bool overflows = false;
    for (size_t i = 0; i < tensor.sizes.size(); ++i) {
      int64_t reach = 0;
      overflows |= __builtin_mul_overflow(count, tensor.sizes[i], &count);
      overflows |=
          __builtin_mul_overflow(std::max<int64_t>(0, tensor.sizes[i] - 1), tensor.strides[i], &reach);
      overflows |= __builtin_add_overflow(last, reach, &last);
    }
    const bool is_inside = count == 0 ? tensor.integer <= storage.integer : last < storage.integer;
    if (overflows || !is_inside)
      fail(fmt::format("_rebuild_tensor_v2: reaches beyond the {} values of storage {}", storage.integer,
                       storage.text));
  }

  void push_encoded(const Value& given) {
    const bool fits = given.parts.size() == 2 && part(given, 0).kind == Kind::text &&
                      part(given, 1).kind == Kind::text && part(given, 1).text == "latin1";
    const auto bytes = fits ? latin1(part(given, 0).text) : std::nullopt;
    if (!bytes) fail("_codecs.encode: expected (text, 'latin1')");
    push({.kind = Kind::bytes, .text = *bytes});
  }

  // An OrderedDict's own attributes (`_metadata` of a state dictionary): data that no tensor needs.
  void build() {
    const size_t state = pop();
    if (is_other_on_top()) return;
    top_of(Kind::dictionary, "a dictionary");
    if (document_.values[state].kind != Kind::dictionary && document_.values[state].kind != Kind::tuple)
      fail("expected attributes as a dictionary");
  }

  std::string_view bytes_;
  std::string place_;
  size_t at_ = 0, opcode_at_ = 0;
  bool done_ = false;
  Document document_;
  std::vector<size_t> stack_, marks_;
  std::unordered_map<uint64_t, size_t> memo_;
};

}  // namespace

Document read(std::string_view bytes, const std::string& place) { return Machine(bytes, place).run(); }

}  // namespace subband::pickle
