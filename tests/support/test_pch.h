// SPDX-License-Identifier: Apache-2.0
// The precompiled header of the tests without LibTorch.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <map>
#include <string>
#include <vector>
