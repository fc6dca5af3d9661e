// A reader of the pickles that PyTorch writes for dictionaries of tensors. It executes nothing: the few
// constructors that such a file names are known here and make records; a name that would run a program is refused.
//   grammar  protocols 1 to 5: numbers, text, bytes, tuples, lists, dictionaries, the memo, and
//            collections.OrderedDict(), torch._utils._rebuild_tensor_v2, torch._utils._rebuild_parameter,
//            _codecs.encode(text, 'latin1'), persistent ids ('storage', torch.FloatStorage, key, device,
//            values); objects of any other class are passed over as marks where they stand
// Source   Python's Lib/pickletools.py; torch/serialization.py
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace subband::pickle {

enum class Kind {
  none,
  boolean,
  integer,
  number,
  text,
  bytes,
  tuple,
  list,
  dictionary,
  name,
  storage,
  tensor,
  other  ///< an object of a class that no tensor needs; text: the class
};

/// One value; its parts are indices into Document::values, so that neither depth nor cycles can hurt.
struct Value {
  Kind kind = Kind::none;
  int64_t integer = 0;  ///< integer, boolean; storage: values; tensor: first value in the storage
  double number = 0;
  std::string text;  ///< text, bytes; name: `module name`; storage: key
  std::vector<size_t>
      parts;  ///< tuple, list; dictionary: key, value, key, …; storage: its type; tensor: storage
  std::vector<int64_t> sizes;    ///< tensor
  std::vector<int64_t> strides;  ///< tensor, in values
};

struct Document {
  std::vector<Value> values;
  size_t root = 0;
  const Value& operator[](size_t index) const { return values[index]; }
};

/// Error `PLACE: pickle: …` for what is damaged, cut, too large or outside the grammar.
Document read(std::string_view bytes, const std::string& place);

}  // namespace subband::pickle
