// SPDX-License-Identifier: Apache-2.0
// One plugin file with a fault chosen by definitions; see CMakeLists.txt.
#include <cross4d/sdk/note.h>
#include <cross4d/sdk/plugin.h>

#include <stdexcept>
#include <string>

#ifndef FIXTURE_VERSION
#define FIXTURE_VERSION "1.0.0"
#endif
#ifndef FIXTURE_SDK
#define FIXTURE_SDK CROSS4D_SDK_VERSION
#endif
#ifndef FIXTURE_COMPILER
#define FIXTURE_COMPILER CROSS4D_COMPILER
#endif
#ifndef FIXTURE_CXX11ABI
#define FIXTURE_CXX11ABI CROSS4D_CXX11ABI
#endif
#ifndef FIXTURE_LIBTORCH
#define FIXTURE_LIBTORCH CROSS4D_LIBTORCH_VERSION
#endif
#ifndef FIXTURE_ENTRY_NAME
#define FIXTURE_ENTRY_NAME FIXTURE_NAME
#endif

#ifndef FIXTURE_NO_NOTE
CROSS4D_EMIT_NOTE(
    "role=teacher\nid=" FIXTURE_NAME "\nversion=" FIXTURE_VERSION "\nsdk=" FIXTURE_SDK
    "\ncompiler=" FIXTURE_COMPILER "\ncxx11abi=" FIXTURE_CXX11ABI "\ncxx=" CROSS4D_STR(
        __cplusplus) "\nlibtorch=" FIXTURE_LIBTORCH "\ncuda=" CROSS4D_CUDA_VERSION
                     "\nsanitizer=" CROSS4D_SANITIZER
                     "\nprovides=frame-tokens,video-input\nrequires=\ndoc=A fixture.\n")
#endif

namespace {

struct Options {
#ifdef FIXTURE_BAD_DEFAULT
  std::int64_t bins = 100;
#else
  std::int64_t bins = 8;
#endif
};

const cross4d::OptionTable<Options>& Table() {
#ifdef FIXTURE_ENTRY_THROWS
  throw std::runtime_error("no table today");
#endif
  static const auto table = [] {
    cross4d::OptionTable<Options> t;
    t.Add("bins", &Options::bins, "Number of bins.").Range(2, 64);
    return t;
  }();
  return table;
}

void* Create(const cross4d::OptionValues& options, const cross4d::PluginContext&) {
  Table().Read(options);
#ifdef FIXTURE_CREATE_THROWS
  throw std::runtime_error("the weights are not there");
#endif
  return nullptr;
}

}  // namespace

extern "C" CROSS4D_API void cross4d_plugin_entry_v1(const cross4d::PluginHost* host) {
  try {
    const cross4d::PluginRecord record{
        "teacher", FIXTURE_ENTRY_NAME, FIXTURE_VERSION, &Table().schema(), &Create};
    host->add(host->state, record);
#ifdef FIXTURE_TWO_PLUGINS
    host->add(host->state, record);
#endif
  } catch (const std::exception& e) {
    host->fail(host->state, e.what());
  }
}
