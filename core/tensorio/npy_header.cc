// SPDX-License-Identifier: Apache-2.0
#include "core/tensorio/npy_header.h"

#include <cross4d/sdk/error.h>

#include <cstring>
#include <string_view>
#include <utility>

namespace cross4d::tensorio {
namespace {

// A reader of the one Python expression that stands in an .npy header:
// {'descr': '<f8', 'fortran_order': False, 'shape': (3, 4), }
class HeaderReader {
 public:
  HeaderReader(std::string_view text, const std::string& name) : text_(text), name_(name) {}

  NpyHeader Read() {
    NpyHeader header;
    Expect('{');
    while (!Skip('}')) {
      const std::string key = Quoted();
      Expect(':');
      if (key == "descr") {
        header.type = Quoted();
      } else if (key == "fortran_order") {
        header.fortran = Flag();
      } else if (key == "shape") {
        header.shape = Shape();
      } else {
        Fail("an unknown key '" + key + "'");
      }
      if (!Skip(',')) {
        Expect('}');
        break;
      }
    }
    if (header.type.empty()) Fail("no descr");
    return header;
  }

 private:
  [[noreturn]] void Fail(const std::string& what) const {
    FailInput(name_ + ": the .npy header has " + what + " at character " + std::to_string(at_));
  }
  void Blanks() {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\n')) ++at_;
  }
  bool Skip(char c) {
    Blanks();
    if (at_ >= text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }
  void Expect(char c) {
    if (!Skip(c)) Fail(std::string("no '") + c + "'");
  }
  std::string Quoted() {
    Blanks();
    const char quote = at_ < text_.size() ? text_[at_] : ' ';
    if (quote != '\'' && quote != '"')
      Fail("a value that is not a simple text (structured types are not read)");
    const std::size_t end = text_.find(quote, at_ + 1);
    if (end == std::string_view::npos) Fail("a text without end");
    std::string text(text_.substr(at_ + 1, end - at_ - 1));
    at_ = end + 1;
    return text;
  }
  bool Flag() {
    Blanks();
    for (const auto& [word, value] :
         {std::pair<std::string_view, bool>("True", true), {"False", false}}) {
      if (text_.substr(at_).starts_with(word)) {
        at_ += word.size();
        return value;
      }
    }
    Fail("no True or False");
  }
  std::vector<std::int64_t> Shape() {
    std::vector<std::int64_t> shape;
    Expect('(');
    while (!Skip(')')) {
      Blanks();
      std::int64_t side = 0;
      std::size_t digits = 0;
      for (; at_ < text_.size() && text_[at_] >= '0' && text_[at_] <= '9'; ++at_, ++digits) {
        side = side * 10 + (text_[at_] - '0');
      }
      Skip('L');  // Python 2
      if (digits == 0 || digits > 15 || shape.size() == kMaxSides) Fail("no valid shape");
      shape.push_back(side);
      if (!Skip(',')) {
        Expect(')');
        break;
      }
    }
    return shape;
  }

  std::string_view text_;
  const std::string& name_;
  std::size_t at_ = 0;
};

}  // namespace

NpyHeader ParseNpyHeader(std::span<const std::byte> file, const std::string& name) {
  const std::string_view text(reinterpret_cast<const char*>(file.data()), file.size());
  if (file.size() < 10 || !text.starts_with("\x93NUMPY")) FailInput(name + ": is not an .npy file");
  const int version = static_cast<unsigned char>(text[6]);
  if (version < 1 || version > 3) {
    FailInput(name + ": is of .npy version " + std::to_string(version) + ", expected 1 to 3");
  }
  const std::size_t length_bytes = version == 1 ? 2 : 4, begin = 8 + length_bytes;
  std::uint32_t length = 0;
  if (file.size() >= begin) std::memcpy(&length, file.data() + 8, length_bytes);
  if (file.size() < begin || length > file.size() - begin)
    FailInput(name + ": ends inside its header");
  NpyHeader header = HeaderReader(text.substr(begin, length), name).Read();
  header.data_begin = begin + length;
  return header;
}

}  // namespace cross4d::tensorio
