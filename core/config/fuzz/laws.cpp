#include "core/config/fuzz/laws.h"

#include <nlohmann/json.hpp>

#include "core/config/binder.h"
#include "core/config/interpolation.h"
#include "core/config/override.h"
#include "core/config/yaml.h"
#include "core/error.h"
#include "core/json.h"
#include "core/ops/products/packed_form.h"
#include "core/tensors/safetensors_header.h"

namespace subband::fuzz {

namespace {

struct Inner {
  bool on = true;
  std::vector<double> rates = {0.5};
  void bind(Binder& b) {
    b.field("on", on, "a switch");
    b.field("rates", rates, {0, 1}, "a list");
    b.check(rates.size() < 5, "rates", "must be few");
  }
};

struct Outer {
  int64_t width = 4;
  std::optional<double> decay;
  std::string name = "x", form = "a";
  std::vector<std::string> words;
  Inner inner;
  config::Node tree;
  void bind(Binder& b) {
    b.field("width", width, {1, 64}, "a number");
    b.field("decay", decay, {.low = 0, .above = true}, "perhaps");
    b.field("name", name, "text");
    b.choice("form", form, {"a", "b"}, "one of two");
    b.field("words", words, "texts");
    b.group("inner", inner, "a struct");
    b.tree("tree", tree, "anything");
    b.cosmetic({"name"});
  }
};

config::Node bound(const config::Node& tree) {
  BindSession session;
  config::Node resolved;
  Binder binder(session, tree, resolved);
  Outer outer;
  outer.bind(binder);
  binder.finish_keys();
  session.finish();
  return resolved;
}

}  // namespace

std::string yaml_law(std::string_view text) {
  try {
    config::Warnings warnings;
    const config::Node tree = config::parse_yaml(text, "bytes.yaml", &warnings);
    const config::Node literal = config::literal(tree);
    for (const std::string& written : {config::to_yaml(literal), config::to_yaml_with_origins(literal)}) {
      try {
        const config::Node again = config::parse_yaml(written, "again.yaml");
        if (!(again == literal)) return "reads back as another tree:\n" + written;
        config::check_interpolations(again);
        if (!(config::Interpolator(again).resolve() == tree)) return "resolves to another tree:\n" + written;
      } catch (const Error& error) {
        return std::string("cannot be read back: ") + error.what() + "\n" + written;
      }
    }
    config::check_interpolations(tree);
    config::Interpolator(tree).resolve();
  } catch (const Error&) {
  }
  return "";
}

std::string override_law(std::string_view text) {
  try {
    const config::Override word = config::parse_override(text);
    if (word.sweep) {
      config::expand(word);
    } else if (!word.edit && !config::may_interpolate(text)) {
      const std::string written = "k=" + config::override_text(word.value);
      try {
        if (!(config::parse_override(written).value == word.value))
          return "reads back as another value: " + written;
      } catch (const Error& error) {
        return std::string("cannot be read back: ") + error.what();
      }
    }
  } catch (const Error&) {
  }
  return "";
}

std::string binder_law(std::string_view text) {
  try {
    const config::Node resolved = bound(config::parse_yaml(text, "bytes.yaml"));
    try {
      if (!(bound(resolved) == resolved)) return "binds to another tree: " + config::to_json(resolved);
    } catch (const Error& error) {
      return std::string("what was bound does not bind: ") + error.what();
    }
  } catch (const Error&) {
  }
  return "";
}

std::string json_law(std::string_view text) {
  for (const bool non_finite : {false, true}) {
    try {
      const Json value = read_json(text, "bytes.json", {.non_finite = non_finite});
      json_brief(value);
      if (!non_finite && !(read_json(value.dump(), "again.json") == value))
        return "reads back as another value";
    } catch (const Error& error) {
      if (error.first().place.empty()) return std::string("has no place: ") + error.what();
    }
  }
  try {  // what JSON is, YAML is too, or it refuses it by itself
    config::parse_yaml(json_as_yaml(text), "bytes.json");
  } catch (const Error&) {
  }
  return "";
}

std::string safetensors_law(std::string_view file) {
  try {
    const SafetensorsHeader header = read_safetensors_header(file, "bytes.safetensors");
    uint64_t position = header.data_begin;
    for (const SafetensorsEntry& entry : header.entries) {
      if (header.data_begin + entry.begin != position || entry.end < entry.begin)
        return "leaves a gap or an overlap";
      position = header.data_begin + entry.end;
    }
    if (position != file.size()) return "does not end where the file ends";
  } catch (const Error&) {
  }
  return "";
}

std::string packed_law(std::string_view file) {
  try {
    const SafetensorsHeader header = read_safetensors_header(file, "bytes.safetensors");
    const auto written = header.metadata.find("packed");
    if (written == header.metadata.end()) return "";
    const PackedForms forms = read_packed_forms(written->second, "bytes.safetensors", header.entries);
    for (const auto& [name, form] : forms) {
      uint64_t bytes = 0;
      for (const SafetensorsEntry& entry : header.entries)
        for (const char* piece : {"codes", "scales", "zeros"})
          if (entry.name == packed_piece(name, piece)) bytes += entry.end - entry.begin;
      if (static_cast<int64_t>(bytes) != form.bytes()) return "another size than its form says: " + name;
      if (form.row_bytes() < (form.columns * form.bits + 7) / 8) return "a row too short for its columns: " + name;
    }
    if (!(read_packed_forms(packed_forms_text(forms), "again", header.entries) == forms)) return "forms read back as others";
  } catch (const Error&) {
  }
  return "";
}

}  // namespace subband::fuzz
