// SPDX-License-Identifier: Apache-2.0
#include "core/tensorio/pickle_machine.h"

#include <array>

namespace cross4d::tensorio {

std::string_view PickleMachine::Take(std::uint64_t count) {
  if (count > stream_.size() - at_) {
    Fail("ends " + std::to_string(count - (stream_.size() - at_)) + " bytes too early");
  }
  const char* begin = reinterpret_cast<const char*>(stream_.data()) + at_;
  at_ += count;
  return {begin, static_cast<std::size_t>(count)};
}

std::string_view PickleMachine::Line() {
  const char* begin = reinterpret_cast<const char*>(stream_.data()) + at_;
  const void* end = std::memchr(begin, '\n', stream_.size() - at_);
  if (end == nullptr) Fail("has a line without end");
  const auto size = static_cast<std::size_t>(static_cast<const char*>(end) - begin);
  at_ += size + 1;
  return {begin, size};
}

PickleValue* PickleMachine::Pop() {
  if (Above() == 0) Fail("takes a value from an empty stack");
  PickleValue* value = stack_.back();
  stack_.pop_back();
  return value;
}

std::vector<const PickleValue*> PickleMachine::PopMark() {
  if (marks_.empty()) Fail("looks for a mark that is not there");
  std::vector<const PickleValue*> items(stack_.begin() + static_cast<std::ptrdiff_t>(marks_.back()),
                                        stack_.end());
  stack_.resize(marks_.back());
  marks_.pop_back();
  return items;
}

void PickleMachine::Extend(Kind kind, const std::vector<const PickleValue*>& items) {
  PickleValue& target = Top();
  if (target.kind != kind || (kind == Kind::kDict && items.size() % 2 != 0)) {
    Fail(kind == Kind::kDict ? "sets items of what is no dictionary"
                             : "appends to what is no list");
  }
  target.items.insert(target.items.end(), items.begin(), items.end());
}

void PickleMachine::PushGlobal(std::string_view module, std::string_view name) {
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

void PickleMachine::StackGlobal() {
  const PickleValue* name = Pop();
  const PickleValue* module = Pop();
  if (!name->Is(Kind::kText) || !module->Is(Kind::kText)) Fail("names a global by what is no text");
  PushGlobal(module->text, name->text);
}

void PickleMachine::Reduce() {
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

void PickleMachine::Encode(const PickleValue& arguments) {
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

void PickleMachine::Build() {
  const PickleValue* state = Pop();
  PickleValue& object = Top();
  // An OrderedDict's state holds attributes such as _metadata, of no use here.
  if (object.Is(Kind::kDict)) return;
  if (!object.Is(Kind::kObject)) Fail("sets the state of what is no object");
  object.state = state;
}

void PickleMachine::LongInteger() {
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

void PickleMachine::BigEndianReal() {
  const std::string_view bytes = Take(8);
  std::array<char, 8> reversed;
  for (std::size_t i = 0; i < 8; ++i) reversed[i] = bytes[7 - i];
  double value;
  std::memcpy(&value, reversed.data(), 8);
  Push(Kind::kReal).real = value;
}

}  // namespace cross4d::tensorio
