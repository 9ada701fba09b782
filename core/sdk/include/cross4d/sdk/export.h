// SPDX-License-Identifier: Apache-2.0
#pragma once

/// Marks what libcross4d_sdk exports; plugins are compiled with hidden visibility.
#define CROSS4D_API __attribute__((visibility("default")))
