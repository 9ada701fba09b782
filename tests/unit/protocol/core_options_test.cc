// SPDX-License-Identifier: Apache-2.0
#include "core/protocol/core_options.h"

#include <cross4d/sdk/error.h>

#include <gtest/gtest.h>

namespace cross4d::protocol {
namespace {

TEST(CoreOptions, TablesAreWellFormed) {
  for (const OptionSchema* schema :
       {&TargetsTable().schema(), &PretrainTable().schema(), &LinearProbeTable().schema()}) {
    EXPECT_TRUE(CheckSchema(*schema).empty()) << CheckSchema(*schema).front();
    for (const OptionSpec& option : schema->options) {
      EXPECT_EQ(CheckOption(option, option.default_value), "") << option.name;
      EXPECT_FALSE(option.doc.empty()) << option.name;
    }
  }
}

TEST(CoreOptions, ReadFillsDefaultsAndTakesValues) {
  const TargetsOptions o = TargetsTable().Read({{"dim", std::int64_t{64}}, {"fov", 40.0}});
  EXPECT_EQ(o.dim, 64);
  EXPECT_EQ(o.fov, 40.0);
  EXPECT_EQ(o.image_size, 224);
  EXPECT_EQ(o.visibility, "owns-pixel");
}

TEST(CoreOptions, BadValuesAreRefused) {
  EXPECT_THROW(TargetsTable().Read({{"visibility", std::string("all")}}), Error);
  EXPECT_THROW(TargetsTable().Read({{"fov", 200.0}}), Error);
  EXPECT_THROW(PretrainTable().Read({{"epochs", std::int64_t{0}}}), Error);
  EXPECT_THROW(PretrainTable().Read({{"lr", 1e-4}, {"min_lr", 1e-3}}), Error);
  EXPECT_THROW(LinearProbeTable().Read({{"solver", std::string("sgd")}}), Error);
}

TEST(CoreOptions, GranularityAndCameraMergingDoNotTouchFeatures) {
  for (const OptionSpec& option : TargetsTable().schema().options) {
    const bool late = option.name == "granularity" || option.name == "multi_camera";
    EXPECT_EQ(IsFeatureOption(option.name), !late) << option.name;
  }
}

}  // namespace
}  // namespace cross4d::protocol
