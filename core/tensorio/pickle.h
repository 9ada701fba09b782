// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

/// Python's pickle, protocols 2 to 5, read as data: nothing is ever imported or called. A class or
/// function the stream names is refused unless the caller's list has it; an allowed one becomes an
/// inert record of its name, arguments and state.
namespace cross4d::tensorio {

struct PickleValue {
  enum class Kind {
    kNone,
    kBool,        ///< `integer`
    kInteger,     ///< `integer`
    kReal,        ///< `real`
    kText,        ///< `text`, UTF-8
    kBytes,       ///< `text`
    kTuple,       ///< `items`
    kList,        ///< `items`
    kDict,        ///< `items`: key, value, key, value, …; an OrderedDict too
    kGlobal,      ///< `text`: "module.name"
    kObject,      ///< `text`: the global that makes it; `arguments` (a tuple); `state` or null
    kPersistent,  ///< `items`: one value, the persistent id
  };
  Kind kind = Kind::kNone;
  std::int64_t integer = 0;
  double real = 0;
  std::string_view text;  ///< into the stream, or into the Pickle
  std::vector<const PickleValue*> items;
  const PickleValue* arguments = nullptr;
  const PickleValue* state = nullptr;

  bool Is(Kind k) const { return kind == k; }
  /// Value under a text key of a dict; nullptr when there is none.
  const PickleValue* Find(std::string_view key) const;
};

/// A parsed stream. Owns all values (there may be cycles); texts point into the stream, which must
/// outlive it.
class Pickle {
 public:
  /// Says whether the global "module.name" may stand in the stream.
  using Allowed = std::function<bool(std::string_view global)>;

  /// Error(kInput) with `name` and the offset: a damaged stream, an unknown or foreign opcode, a
  /// global that is not allowed (named). Work and memory are linear in the stream's size.
  static Pickle Parse(std::span<const std::byte> stream, std::string name, const Allowed& allowed);

  const PickleValue& root() const { return *root_; }
  /// The stream's bytes that were read.
  std::size_t size() const { return size_; }

 private:
  friend class PickleMachine;
  Pickle() = default;

  std::deque<PickleValue> values_;
  std::deque<std::string> texts_;
  const PickleValue* root_ = nullptr;
  std::size_t size_ = 0;
};

}  // namespace cross4d::tensorio
