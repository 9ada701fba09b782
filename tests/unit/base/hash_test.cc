// SPDX-License-Identifier: Apache-2.0
#include "core/base/hash.h"

#include "core/base/file.h"

#include <cross4d/sdk/error.h>

#include <gtest/gtest.h>

#include "tests/support/temp_folder.h"

namespace cross4d::base {
namespace {

// FIPS 180-2, appendix B.
TEST(Sha256, KnownAnswers) {
  EXPECT_EQ(Sha256Hex(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(Sha256Hex("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  Sha256 million;
  const std::string chunk(1000, 'a');
  for (int i = 0; i < 1000; ++i) million.Update(chunk.data(), chunk.size());
  EXPECT_EQ(million.Finish(), "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

TEST(Sha256, UseAfterFinishIsAnError) {
  Sha256 hash;
  hash.Finish();
  EXPECT_THROW(hash.Finish(), Error);
}

TEST(Sha256, OfAFile) {
  const test::TempFolder folder;
  const std::string bytes(3 << 20, 'x');
  WriteFileAtomically(folder / "f", bytes, false);
  EXPECT_EQ(Sha256File((folder / "f").string()), Sha256Hex(bytes));
  EXPECT_THROW(Sha256File((folder / "missing").string()), Error);
  EXPECT_THROW(Sha256File(folder.path().string()), Error);
}

// RFC 8439, 2.5.2.
TEST(Poly1305, OfPartsAsOfTheWhole) {
  const std::string key =
      "\x85\xd6\xbe\x78\x57\x55\x6d\x33\x7f\x44\x52\xfe\x42\xd5\x06\xa8"
      "\x01\x03\x80\x8a\xfb\x0d\xb2\xfd\x4a\xbf\xf6\xaf\x41\x49\xf5\x1b";
  const std::string text = "Cryptographic Forum Research Group";
  const auto bytes = std::as_bytes(std::span(text));
  const auto whole = Poly1305(key, {bytes});
  EXPECT_EQ(whole, Poly1305(key, {bytes.first(5), bytes.subspan(5)}));
  EXPECT_EQ(whole.front(), std::byte{0xa8});
  EXPECT_EQ(whole.back(), std::byte{0xa9});
}

TEST(ContentKey, IsThirtyTwoDigits) {
  EXPECT_EQ(ContentKey("abc"), "ba7816bf8f01cfea414140de5dae2223");
}

}  // namespace
}  // namespace cross4d::base
