#include "models/own_parts.h"

#include <dlfcn.h>
#include <torch/version.h>

#include <cstdlib>

#include "core/error.h"
#include "core/text.h"

namespace subband {

namespace fs = std::filesystem;

std::string own_part_frame() {
  return "headers " + built_headers() + ", LibTorch " + TORCH_VERSION + ", compiler " + __VERSION__;
}

namespace {

using Words = const char* (*)();

template <class Function>
Function function_of(void* object, const char* name) {
  return reinterpret_cast<Function>(::dlsym(object, name));
}

// Objects stay loaded: opened again they are the same.
OwnPart load_own_part(const std::string& name) {
  const fs::path file = fs::absolute(name);
  std::error_code none;
  if (!fs::is_regular_file(file, none)) throw Error(name, "no such file; subband build-part makes it");
  void* object = ::dlopen(file.c_str(), RTLD_LAZY | RTLD_LOCAL);
  if (object == nullptr) throw Error(name, std::string("cannot be loaded: ") + ::dlerror());
  const auto frame = function_of<Words>(object, "subband_part_frame");
  if (frame == nullptr) throw Error(name, "is no part; subband build-part makes one of a source");
  if (frame() != own_part_frame())
    throw Error(name, std::string("was built for another program (") + frame() + "; this one: " + own_part_frame() +
                          "); build it again: subband build-part");
  return {.file = file,
          .part = function_of<Words>(object, "subband_part_name")(),
          .code = function_of<Words>(object, "subband_part_code")(),
          .add = function_of<void (*)(Registry&)>(object, "subband_part_add")};
}

}  // namespace

std::vector<OwnPart> own_parts() {
  const char* names = std::getenv("SUBBAND_PARTS");
  std::vector<OwnPart> parts;
  if (names == nullptr) return parts;
  for (const std::string& name : split(names, ':'))
    if (!name.empty()) parts.push_back(load_own_part(name));
  return parts;
}

void add_own_parts(Registry& registry) {
  for (const OwnPart& own : own_parts()) {
    const size_t colon = own.part.find(':');
    const Kind* kind = registry.find(own.part.substr(0, colon));
    if (kind != nullptr && kind->info(own.part.substr(colon + 1)) != nullptr)
      throw Error(own.file.string(), own.part.substr(0, colon) + " " + own.part.substr(colon + 1) +
                                         " is there already; give it another name");
    own.add(registry);
  }
}

}  // namespace subband
