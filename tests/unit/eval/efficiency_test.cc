// SPDX-License-Identifier: Apache-2.0
// Counted operations and bytes against sums by hand.
#include "core/eval/efficiency.h"

#include "core/eval/flops.h"

#include <ATen/ATen.h>
#include <ATen/record_function.h>
#include <gtest/gtest.h>

#include <functional>
#include <optional>
#include <vector>

namespace cross4d::eval {
namespace {

double All(const std::function<void()>& work) { return CountFlops(work).all; }

TEST(Flops, Products) {
  const at::Tensor a = torch::randn({3, 5}), b = torch::randn({5, 7}), bias = torch::randn({7});
  EXPECT_EQ(All([&] { at::mm(a, b); }), 2 * 3 * 5 * 7);
  EXPECT_EQ(All([&] { at::addmm(bias, a, b); }), 2 * 3 * 5 * 7);
  EXPECT_EQ(All([&] { at::mv(a, torch::randn({5})); }), 2 * 3 * 5);
  EXPECT_EQ(All([&] { at::bmm(torch::randn({4, 3, 5}), torch::randn({4, 5, 2})); }), 2 * 4 * 30);
  EXPECT_EQ(All([&] { at::linear(torch::randn({2, 3, 5}), b.t(), bias); }), 2 * 6 * 5 * 7);
  EXPECT_EQ(All([&] { at::matmul(torch::randn({4, 3, 5}), b); }), 2 * 12 * 5 * 7);
  EXPECT_EQ(All([&] {
              at::einsum("bij,bjk->bik", {torch::randn({4, 3, 5}), torch::randn({4, 5, 2})});
            }),
            2 * 4 * 30);
  at::Tensor out = at::empty({3, 7});
  EXPECT_EQ(All([&] { at::mm_out(out, a, b); }), 2 * 3 * 5 * 7);
  EXPECT_EQ(All([&] { (a * 2).softmax(1).sum(); }), 0);
}

TEST(Flops, Convolutions) {
  const at::Tensor image = torch::randn({2, 6, 9, 8});
  // Rows (9 + 2 - 3) / 2 + 1 = 5, columns (8 + 2 - 3) / 2 + 1 = 4, two groups of 3 channels.
  EXPECT_EQ(All([&] {
              at::conv2d(image, torch::randn({10, 3, 3, 3}), {}, 2, 1, 1, 2);
            }),
            2.0 * 2 * 10 * 5 * 4 * 3 * 9);
  EXPECT_EQ(All([&] {
              at::conv1d(torch::randn({2, 6, 9}), torch::randn({4, 6, 3}), {}, 1, 1, 2);
            }),
            2.0 * 2 * 4 * 7 * 6 * 3);
  EXPECT_EQ(All([&] {
              at::conv_transpose2d(image, torch::randn({6, 5, 2, 2}), {}, 2);
            }),
            2.0 * 2 * 6 * 72 * 5 * 4);
}

TEST(Flops, AttentionIsToldApart) {
  const at::Tensor q = torch::randn({2, 3, 10, 8}), k = torch::randn({2, 3, 12, 8});
  const at::Tensor mask = torch::ones({10, 12}, at::kBool);
  for (const bool masked : {false, true}) {
    const FlopCount count = CountFlops([&] {
      at::scaled_dot_product_attention(
          q, k, k, masked ? std::optional<at::Tensor>(mask) : std::nullopt);
      at::mm(q[0][0], k[0][0].t());
    });
    EXPECT_EQ(count.attention, 2 * 2 * 3 * 10 * 12 * (8 + 8));
    EXPECT_EQ(count.all, count.attention + 2 * 10 * 12 * 8);
  }
}

TEST(Flops, KernelsOfAPlugInSayTheirOwn) {
  const auto kernel = [](std::vector<c10::IValue> inputs) {
    at::RecordFunction guard(at::RecordScope::USER_SCOPE);
    if (guard.isActive()) guard.before("cross4d::flops", &inputs);
    at::mm(torch::randn({3, 3}), torch::randn({3, 3}));
  };
  EXPECT_EQ(All([&] { kernel({std::int64_t{1000}}); }), 1000);
  EXPECT_EQ(CountFlops([&] { kernel({std::int64_t{1000}, true}); }).attention, 1000);
  EXPECT_EQ(All([&] {
              kernel({std::int64_t{1000}});
              at::mm(torch::randn({3, 3}), torch::randn({3, 3}));
            }),
            1054);
  kernel({std::int64_t{1000}});  // nobody counts
}

TEST(PeakBytes, CountsWhatIsAliveAtOnce) {
  constexpr std::int64_t kMegabyte = 1 << 20;
  const auto megabytes = [](std::int64_t n) { return at::empty({n * kMegabyte}, at::kByte); };
  EXPECT_EQ(PeakBytes([&] {
              { const at::Tensor a = megabytes(3), b = megabytes(2); }
              const at::Tensor c = megabytes(4);
            }),
            5 * kMegabyte);
  EXPECT_EQ(PeakBytes([] {}), 0);
}

}  // namespace
}  // namespace cross4d::eval
