// SPDX-License-Identifier: Apache-2.0
#include "core/tensorio/pickle.h"

#include "core/tensorio/pickle_machine.h"

#include <utility>

namespace cross4d::tensorio {

const PickleValue* PickleValue::Find(std::string_view key) const {
  for (std::size_t i = 0; kind == Kind::kDict && i + 1 < items.size(); i += 2) {
    if (items[i]->kind == Kind::kText && items[i]->text == key) return items[i + 1];
  }
  return nullptr;
}

namespace {

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
