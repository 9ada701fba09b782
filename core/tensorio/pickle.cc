// SPDX-License-Identifier: Apache-2.0
#include "core/tensorio/pickle.h"

#include <cross4d/sdk/error.h>

#include <array>
#include <cstring>
#include <unordered_map>
#include <utility>

namespace cross4d::tensorio {

const PickleValue* PickleValue::Find(std::string_view key) const {
  for (std::size_t i = 0; kind == Kind::kDict && i + 1 < items.size(); i += 2) {
    if (items[i]->kind == Kind::kText && items[i]->text == key) return items[i + 1];
  }
  return nullptr;
}

namespace {

using Kind = PickleValue::Kind;

// The opcodes that Python writes for protocols 2 to 5.
enum Op : unsigned char {
  kMark = '(',
  kStop = '.',
  kPop = '0',
  kPopMark = '1',
  kDup = '2',
  kBinFloat = 'G',
  kBinInt = 'J',
  kBinInt1 = 'K',
  kBinInt2 = 'M',
  kLong1 = 0x8a,
  kNone = 'N',
  kNewTrue = 0x88,
  kNewFalse = 0x89,
  kBinUnicode = 'X',
  kShortBinUnicode = 0x8c,
  kBinUnicode8 = 0x8d,
  kBinBytes = 'B',
  kShortBinBytes = 'C',
  kBinBytes8 = 0x8e,
  kByteArray8 = 0x96,
  kBinString = 'T',
  kShortBinString = 'U',
  kAppend = 'a',
  kAppends = 'e',
  kEmptyList = ']',
  kList = 'l',
  kEmptyDict = '}',
  kDict = 'd',
  kSetItem = 's',
  kSetItems = 'u',
  kEmptyTuple = ')',
  kTuple = 't',
  kTuple1 = 0x85,
  kTuple2 = 0x86,
  kTuple3 = 0x87,
  kBinGet = 'h',
  kLongBinGet = 'j',
  kBinPut = 'q',
  kLongBinPut = 'r',
  kMemoize = 0x94,
  kGlobal = 'c',
  kStackGlobal = 0x93,
  kReduce = 'R',
  kNewObject = 0x81,
  kBuild = 'b',
  kBinPersId = 'Q',
  kProto = 0x80,
  kFrame = 0x95,
};

}  // namespace

// The stack machine. Every opcode costs at most a constant plus what it takes off the stack.
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
  [[noreturn]] void Fail(const std::string& what) const {
    FailInput(name_ + ": pickle, offset " + std::to_string(op_at_) + ": " + what);
  }

  std::string_view Take(std::uint64_t count) {
    if (count > stream_.size() - at_) {
      Fail("ends " + std::to_string(count - (stream_.size() - at_)) + " bytes too early");
    }
    const char* begin = reinterpret_cast<const char*>(stream_.data()) + at_;
    at_ += count;
    return {begin, static_cast<std::size_t>(count)};
  }

  template <class T>
  T Number() {
    T value;
    std::memcpy(&value, Take(sizeof(T)).data(), sizeof(T));
    return value;
  }

  // Up to the next line feed, which is dropped.
  std::string_view Line() {
    const char* begin = reinterpret_cast<const char*>(stream_.data()) + at_;
    const void* end = std::memchr(begin, '\n', stream_.size() - at_);
    if (end == nullptr) Fail("has a line without end");
    const auto size = static_cast<std::size_t>(static_cast<const char*>(end) - begin);
    at_ += size + 1;
    return {begin, size};
  }

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
  PickleValue* Pop() {
    if (Above() == 0) Fail("takes a value from an empty stack");
    PickleValue* value = stack_.back();
    stack_.pop_back();
    return value;
  }
  PickleValue& Top() {
    if (Above() == 0) Fail("reads a value from an empty stack");
    return *stack_.back();
  }
  std::vector<const PickleValue*> PopMark() {
    if (marks_.empty()) Fail("looks for a mark that is not there");
    std::vector<const PickleValue*> items(
        stack_.begin() + static_cast<std::ptrdiff_t>(marks_.back()), stack_.end());
    stack_.resize(marks_.back());
    marks_.pop_back();
    return items;
  }

  void PushTuple(std::size_t count) {
    std::vector<const PickleValue*> items(count);
    for (std::size_t i = count; i-- > 0;) items[i] = Pop();
    Push(Kind::kTuple).items = std::move(items);
  }
  void PushCollection(Kind kind, std::vector<const PickleValue*> items) {
    if (kind == Kind::kDict && items.size() % 2 != 0) Fail("has a dictionary key without value");
    Push(kind).items = std::move(items);
  }
  void Extend(Kind kind, const std::vector<const PickleValue*>& items) {
    PickleValue& target = Top();
    if (target.kind != kind || (kind == Kind::kDict && items.size() % 2 != 0)) {
      Fail(kind == Kind::kDict ? "sets items of what is no dictionary"
                               : "appends to what is no list");
    }
    target.items.insert(target.items.end(), items.begin(), items.end());
  }

  void PushGlobal(std::string_view module, std::string_view name) {
    std::string& global = pickle_.texts_.emplace_back(module);
    global += '.';
    global += name;
    if (!allowed_(global)) {
      std::string shown = global.substr(0, 200);
      for (char& c : shown) {
        if (static_cast<unsigned char>(c) < 32 || c == 127) c = '?';
      }
      Fail("names the class or function '" + shown +
           "', which is not on the list of what may stand here; it was not run");
    }
    Push(Kind::kGlobal).text = global;
  }

  void StackGlobal() {
    const PickleValue* name = Pop();
    const PickleValue* module = Pop();
    if (!name->Is(Kind::kText) || !module->Is(Kind::kText))
      Fail("names a global by what is no text");
    PushGlobal(module->text, name->text);
  }

  // Python would call the global here; we keep a record of the call.
  void Reduce() {
    const PickleValue* arguments = Pop();
    const PickleValue* callee = Pop();
    if (!callee->Is(Kind::kGlobal) || !arguments->Is(Kind::kTuple)) {
      Fail("calls what is no global, or without a tuple of arguments");
    }
    if (callee->text == "_codecs.encode") return Encode(*arguments);
    if (callee->text == "collections.OrderedDict") {
      if (!arguments->items.empty()) Fail("makes an OrderedDict from arguments");
      Push(Kind::kDict);
      return;
    }
    PickleValue& object = Push(Kind::kObject);
    object.text = callee->text;
    object.arguments = arguments;
  }

  // _codecs.encode(text, "latin1"): how protocol 2 wrote bytes.
  void Encode(const PickleValue& arguments) {
    const auto& items = arguments.items;
    if (items.size() != 2 || !items[0]->Is(Kind::kText) || items[1]->text != "latin1") {
      Fail("encodes other than a text as latin1");
    }
    const std::string_view text = items[0]->text;
    // Once per text, so that a stream which encodes one text many times costs no more.
    const auto [known, fresh] = encoded_.try_emplace(text.data(), std::string_view());
    if (!fresh) {
      Push(Kind::kBytes).text = known->second;
      return;
    }
    std::string& bytes = pickle_.texts_.emplace_back();
    bytes.reserve(text.size());
    for (std::size_t i = 0; i < text.size(); ++i) {
      const auto c = static_cast<unsigned char>(text[i]);
      if (c < 0x80) {
        bytes += static_cast<char>(c);
        continue;
      }
      const unsigned char next = i + 1 < text.size() ? static_cast<unsigned char>(text[i + 1]) : 0;
      if ((c != 0xc2 && c != 0xc3) || (next & 0xc0) != 0x80) Fail("has bytes that are no latin1");
      bytes += static_cast<char>((c & 0x03) << 6 | (next & 0x3f));
      ++i;
    }
    known->second = bytes;
    Push(Kind::kBytes).text = bytes;
  }

  void Build() {
    const PickleValue* state = Pop();
    PickleValue& object = Top();
    // An OrderedDict's state holds attributes such as _metadata, of no use here.
    if (object.Is(Kind::kDict)) return;
    if (!object.Is(Kind::kObject)) Fail("sets the state of what is no object");
    object.state = state;
  }

  void Remember(std::uint64_t key) { memo_[key] = &Top(); }
  void Recall(std::uint64_t key) {
    const auto it = memo_.find(key);
    if (it == memo_.end()) Fail("recalls value " + std::to_string(key) + ", which was not stored");
    stack_.push_back(it->second);
  }

  void LongInteger() {
    const std::size_t size = Number<std::uint8_t>();
    const std::string_view bytes = Take(size);
    if (size > 8) Fail("has an integer of more than 64 bits");
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < size; ++i) {
      value |= static_cast<std::uint64_t>(static_cast<unsigned char>(bytes[i])) << (8 * i);
    }
    const bool negative = size > 0 && (static_cast<unsigned char>(bytes[size - 1]) & 0x80) != 0;
    if (negative && size < 8) value |= ~std::uint64_t{0} << (8 * size);
    PushInteger(static_cast<std::int64_t>(value));
  }

  void BigEndianReal() {
    const std::string_view bytes = Take(8);
    std::array<char, 8> reversed;
    for (std::size_t i = 0; i < 8; ++i) reversed[i] = bytes[7 - i];
    double value;
    std::memcpy(&value, reversed.data(), 8);
    Push(Kind::kReal).real = value;
  }

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

bool PickleMachine::StepScalar(unsigned char op) {
  switch (op) {
    case kNone:
      Push(Kind::kNone);
      return true;
    case kNewTrue:
      Push(Kind::kBool).integer = 1;
      return true;
    case kNewFalse:
      Push(Kind::kBool);
      return true;
    case kBinInt:
      PushInteger(Number<std::int32_t>());
      return true;
    case kBinInt1:
      PushInteger(Number<std::uint8_t>());
      return true;
    case kBinInt2:
      PushInteger(Number<std::uint16_t>());
      return true;
    case kLong1:
      LongInteger();
      return true;
    case kBinFloat:
      BigEndianReal();
      return true;
    case kShortBinUnicode:
      PushText(Kind::kText, Number<std::uint8_t>());
      return true;
    case kBinUnicode:
      PushText(Kind::kText, Number<std::uint32_t>());
      return true;
    case kBinUnicode8:
      PushText(Kind::kText, Number<std::uint64_t>());
      return true;
    // Python 2's str: names in old files, so a text.
    case kShortBinString:
      PushText(Kind::kText, Number<std::uint8_t>());
      return true;
    case kBinString:
      PushText(Kind::kText, Number<std::uint32_t>());
      return true;
    case kShortBinBytes:
      PushText(Kind::kBytes, Number<std::uint8_t>());
      return true;
    case kBinBytes:
      PushText(Kind::kBytes, Number<std::uint32_t>());
      return true;
    case kBinBytes8:
    case kByteArray8:
      PushText(Kind::kBytes, Number<std::uint64_t>());
      return true;
    default:
      return false;
  }
}

bool PickleMachine::StepCollection(unsigned char op) {
  switch (op) {
    case kEmptyList:
      Push(Kind::kList);
      return true;
    case kEmptyDict:
      Push(Kind::kDict);
      return true;
    case kEmptyTuple:
      PushTuple(0);
      return true;
    case kTuple1:
      PushTuple(1);
      return true;
    case kTuple2:
      PushTuple(2);
      return true;
    case kTuple3:
      PushTuple(3);
      return true;
    case kTuple:
      PushCollection(Kind::kTuple, PopMark());
      return true;
    case kList:
      PushCollection(Kind::kList, PopMark());
      return true;
    case kDict:
      PushCollection(Kind::kDict, PopMark());
      return true;
    case kAppend: {
      const PickleValue* item = Pop();
      Extend(Kind::kList, {item});
      return true;
    }
    case kAppends:
      Extend(Kind::kList, PopMark());
      return true;
    case kSetItem: {
      const PickleValue* value = Pop();
      const PickleValue* key = Pop();
      Extend(Kind::kDict, {key, value});
      return true;
    }
    case kSetItems:
      Extend(Kind::kDict, PopMark());
      return true;
    default:
      return false;
  }
}

void PickleMachine::Step(unsigned char op) {
  if (StepScalar(op) || StepCollection(op)) return;
  switch (op) {
    case kProto: {
      const unsigned protocol = Number<std::uint8_t>();
      if (protocol < 2 || protocol > 5) {
        Fail("is of protocol " + std::to_string(protocol) + ", expected 2 to 5");
      }
      return;
    }
    case kFrame:
      Number<std::uint64_t>();
      return;
    case kMark:
      marks_.push_back(stack_.size());
      return;
    case kPop:
      Pop();
      return;
    case kPopMark:
      PopMark();
      return;
    case kDup:
      stack_.push_back(&Top());
      return;
    case kBinGet:
      Recall(Number<std::uint8_t>());
      return;
    case kLongBinGet:
      Recall(Number<std::uint32_t>());
      return;
    case kBinPut:
      Remember(Number<std::uint8_t>());
      return;
    case kLongBinPut:
      Remember(Number<std::uint32_t>());
      return;
    case kMemoize:
      Remember(memo_.size());
      return;
    case kGlobal: {
      const std::string_view module = Line();
      PushGlobal(module, Line());
      return;
    }
    case kStackGlobal:
      StackGlobal();
      return;
    case kReduce:
    case kNewObject:
      Reduce();
      return;
    case kBuild:
      Build();
      return;
    case kBinPersId: {
      const PickleValue* id = Pop();
      Push(Kind::kPersistent).items = {id};
      return;
    }
    case kStop:
      pickle_.root_ = Pop();
      return;
    default:
      Fail("has opcode " + std::to_string(op) + ", which protocols 2 to 5 do not need here");
  }
}

Pickle Pickle::Parse(std::span<const std::byte> stream, std::string name, const Allowed& allowed) {
  return PickleMachine(stream, std::move(name), allowed).Run();
}

}  // namespace cross4d::tensorio
