// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/tensorio/pickle.h"

#include <cross4d/sdk/error.h>

#include <cstring>
#include <unordered_map>
#include <utility>

namespace cross4d::tensorio {

/// The stack machine behind Pickle::Parse. Every opcode costs at most a constant plus what it takes
/// off the stack.
class PickleMachine {
 public:
  PickleMachine(std::span<const std::byte> stream, std::string name, const Pickle::Allowed& allowed)
      : stream_(stream), name_(std::move(name)), allowed_(allowed) {}

  Pickle Run() {
    while (pickle_.root_ == nullptr) {
      op_at_ = at_;
      Step(static_cast<unsigned char>(Take(1)[0]));
    }
    pickle_.size_ = at_;
    return std::move(pickle_);
  }

 private:
  using Kind = PickleValue::Kind;

  [[noreturn]] void Fail(const std::string& what) const {
    FailInput(name_ + ": pickle, offset " + std::to_string(op_at_) + ": " + what);
  }
  std::string_view Take(std::uint64_t count);
  template <class T>
  T Number() {
    T value;
    std::memcpy(&value, Take(sizeof(T)).data(), sizeof(T));
    return value;
  }
  // Up to the next line feed, which is dropped.
  std::string_view Line();
  PickleValue& New(Kind kind) {
    PickleValue& value = pickle_.values_.emplace_back();
    value.kind = kind;
    return value;
  }
  PickleValue& Push(Kind kind) {
    PickleValue& value = New(kind);
    stack_.push_back(&value);
    return value;
  }
  void PushInteger(std::int64_t integer) { Push(Kind::kInteger).integer = integer; }
  void PushText(Kind kind, std::uint64_t size) {
    const std::string_view text = Take(size);
    Push(kind).text = text;
  }
  // How many values stand above the last mark, or on the stack when there is none.
  std::size_t Above() const { return stack_.size() - (marks_.empty() ? 0 : marks_.back()); }
  PickleValue* Pop();
  PickleValue& Top() {
    if (Above() == 0) Fail("reads a value from an empty stack");
    return *stack_.back();
  }
  std::vector<const PickleValue*> PopMark();
  void PushTuple(std::size_t count) {
    std::vector<const PickleValue*> items(count);
    for (std::size_t i = count; i-- > 0;) items[i] = Pop();
    Push(Kind::kTuple).items = std::move(items);
  }
  void PushCollection(Kind kind, std::vector<const PickleValue*> items) {
    if (kind == Kind::kDict && items.size() % 2 != 0) Fail("has a dictionary key without value");
    Push(kind).items = std::move(items);
  }
  void Extend(Kind kind, const std::vector<const PickleValue*>& items);
  void PushGlobal(std::string_view module, std::string_view name);
  void StackGlobal();
  // Python would call the global here; we keep a record of the call.
  void Reduce();
  // _codecs.encode(text, "latin1"): how protocol 2 wrote bytes.
  void Encode(const PickleValue& arguments);
  void Build();
  void Remember(std::uint64_t key) { memo_[key] = &Top(); }
  void Recall(std::uint64_t key) {
    const auto it = memo_.find(key);
    if (it == memo_.end()) Fail("recalls value " + std::to_string(key) + ", which was not stored");
    stack_.push_back(it->second);
  }
  void LongInteger();
  void BigEndianReal();

  void Step(unsigned char op);
  bool StepScalar(unsigned char op);
  bool StepCollection(unsigned char op);

  std::span<const std::byte> stream_;
  std::string name_;
  const Pickle::Allowed& allowed_;
  std::size_t at_ = 0, op_at_ = 0;
  std::vector<PickleValue*> stack_;
  std::vector<std::size_t> marks_;
  std::unordered_map<std::uint64_t, PickleValue*> memo_;
  std::unordered_map<const char*, std::string_view> encoded_;
  Pickle pickle_;
};

}  // namespace cross4d::tensorio
