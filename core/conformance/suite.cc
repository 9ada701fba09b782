// SPDX-License-Identifier: Apache-2.0
#include "core/conformance/suite.h"

#include <cross4d/sdk/error.h>
#include <cross4d/sdk/random.h>

#include <ATen/Parallel.h>
#include <torch/serialize/input-archive.h>
#include <torch/serialize/output-archive.h>

#include <cmath>
#include <cstring>
#include <sstream>

namespace cross4d::conformance {
namespace {

std::string ShapeText(const std::vector<std::int64_t>& shape) {
  std::string text = "[";
  for (std::size_t i = 0; i < shape.size(); ++i) {
    text += (i ? ", " : "") + (shape[i] < 0 ? std::string("any") : std::to_string(shape[i]));
  }
  return text + "]";
}

bool ShapeFits(const torch::Tensor& tensor, const std::vector<std::int64_t>& shape) {
  if (tensor.dim() != static_cast<std::int64_t>(shape.size())) return false;
  for (std::size_t i = 0; i < shape.size(); ++i) {
    if (shape[i] >= 0 && tensor.size(static_cast<std::int64_t>(i)) != shape[i]) return false;
  }
  return true;
}

/// Names of required options that nobody gave.
std::string MissingOptions(const OptionSchema& schema, const OptionValues& given) {
  std::string names;
  for (const OptionSpec& spec : schema.options) {
    if (spec.required && !given.contains(spec.name))
      names += (names.empty() ? "" : ", ") + spec.name;
  }
  return names;
}

void CheckTable(Suite& suite) {
  suite.Run("the option table is sound", [&] {
    std::string text;
    for (const std::string& problem : CheckSchema(*suite.record.options)) text += problem + "; ";
    return text;
  });
  suite.Run("an unknown option is refused", [&]() -> std::string {
    OptionValues values = suite.settings.options;
    values["no_such_option"] = OptionValue(true);
    try {
      suite.record.create(values, suite.context());
    } catch (const Error& e) {
      if (e.message().find("no_such_option") != std::string::npos) return "";
      return "the message does not name it: " + e.message();
    }
    return "it was accepted";
  });
}

}  // namespace

void Suite::Run(const std::string& check, const std::function<std::string()>& body) {
  std::string text;
  try {
    text = body();
  } catch (const std::exception& e) {
    text = std::string("threw: ") + e.what();
    // LibTorch's messages carry a stack trace behind the first line.
    text = text.substr(0, text.find("\nException raised from"));
  } catch (...) {
    text = "threw something that is no std::exception";
  }
  const bool good = text.empty();
  report.findings.push_back(
      {good ? Finding::Result::kPassed : Finding::Result::kFailed, check, text});
}

void Suite::Skip(const std::string& check, const std::string& reason) {
  report.findings.push_back({Finding::Result::kSkipped, check, reason});
}

PluginContext Suite::context() const {
  PluginContext context;
  context.threads = settings.threads;
  return context;
}

std::string CheckTensor(const std::string& name,
                        const torch::Tensor& tensor,
                        torch::ScalarType type,
                        const std::vector<std::int64_t>& shape) {
  if (!tensor.defined()) return name + " is undefined";
  if (!tensor.device().is_cpu()) return name + " is not on the CPU";
  if (tensor.scalar_type() != type || !ShapeFits(tensor, shape)) {
    return name + " is " + torch::toString(tensor.scalar_type()) + " " +
           ShapeText(tensor.sizes().vec()) + ", expected " + torch::toString(type) + " " +
           ShapeText(shape);
  }
  if (!tensor.is_contiguous()) return name + " is not contiguous";
  if (tensor.is_floating_point() && !tensor.isfinite().all().item<bool>()) {
    return name + " holds values that are not finite";
  }
  return "";
}

std::string CheckRange(const std::string& name,
                       const torch::Tensor& tensor,
                       std::int64_t low,
                       std::int64_t high) {
  if (tensor.numel() == 0) return "";
  const auto least = tensor.min().item<std::int64_t>(), most = tensor.max().item<std::int64_t>();
  if (least >= low && most <= high) return "";
  return name + " goes from " + std::to_string(least) + " to " + std::to_string(most) +
         ", expected " + std::to_string(low) + " to " + std::to_string(high);
}

bool SameBytes(const torch::Tensor& a, const torch::Tensor& b) {
  if (a.defined() != b.defined()) return false;
  if (!a.defined()) return true;
  if (a.scalar_type() != b.scalar_type() || a.sizes() != b.sizes()) return false;
  const torch::Tensor x = a.contiguous(), y = b.contiguous();
  return std::memcmp(x.data_ptr(), y.data_ptr(), x.nbytes()) == 0;
}

double RelativeDifference(const torch::Tensor& a, const torch::Tensor& b) {
  if (a.sizes() != b.sizes()) return INFINITY;
  const double scale = b.abs().max().item<double>();
  return (a - b).abs().max().item<double>() / (scale > 0 ? scale : 1.0);
}

torch::Tensor MadeUpClip(std::int64_t frames, std::int64_t points, std::int64_t seed) {
  RandomStream random(MixSeed({static_cast<std::uint64_t>(seed), 0x5eed}));
  torch::Tensor clip = torch::empty({frames, points, 3}, torch::kFloat);
  float* value = clip.data_ptr<float>();
  for (std::int64_t i = 0; i < clip.numel(); ++i)
    value[i] = static_cast<float>(random.Normal() * 0.4);
  // Two clips differ in more than noise, so that what ignores its input is noticed.
  return clip + 0.1 * static_cast<double>(seed);
}

std::int64_t CountParameters(const torch::nn::Module& module) {
  std::int64_t count = 0;
  for (const torch::Tensor& parameter : module.parameters()) {
    if (parameter.requires_grad()) count += parameter.numel();
  }
  return count;
}

std::string SaveModule(const torch::nn::Module& module) {
  torch::serialize::OutputArchive archive;
  module.save(archive);
  std::ostringstream out;
  archive.save_to(out);
  return out.str();
}

void LoadModule(torch::nn::Module& module, const std::string& bytes) {
  torch::serialize::InputArchive archive;
  std::istringstream in(bytes);
  archive.load_from(in);
  module.load(archive);
}

std::string MissingGradients(torch::nn::Module& module,
                             const std::function<torch::Tensor()>& output) {
  const torch::NoGradGuard no_grad;
  const torch::Tensor before = output();
  std::string names;
  for (auto& item : module.named_parameters()) {
    torch::Tensor parameter = item.value();
    if (!parameter.requires_grad()) continue;
    const char* problem = nullptr;
    if (!parameter.grad().defined()) {
      problem = " (none)";
    } else if (!parameter.grad().isfinite().all().item<bool>()) {
      problem = " (not finite)";
    } else if (parameter.grad().count_nonzero().item<std::int64_t>() == 0) {
      const torch::Tensor value = parameter.clone();
      parameter.add_(0.5);
      if (RelativeDifference(output(), before) > 1e-3)
        problem = " (zeros, but the result depends on it)";
      parameter.copy_(value);
    }
    if (problem != nullptr) names += (names.empty() ? "" : ", ") + item.key() + problem;
  }
  return names.empty() ? "" : "no gradient in " + names;
}

StudentInput StackInput(const std::vector<torch::Tensor>& clips,
                        const std::vector<TokenGeometry>& geometry) {
  std::vector<torch::Tensor> centres, frames;
  std::map<std::string, std::vector<torch::Tensor>> extra;
  for (const TokenGeometry& g : geometry) {
    centres.push_back(g.centres);
    frames.push_back(g.frames);
    for (const auto& [name, tensor] : g.extra) extra[name].push_back(tensor);
  }
  StudentInput input{torch::stack(clips), torch::stack(centres), torch::stack(frames), {}};
  for (const auto& [name, list] : extra) input.extra[name] = torch::stack(list);
  return input;
}

Report Check(const base::PluginDescription& plugin,
             const PluginRecord& record,
             const Settings& settings) {
  Report report;
  report.plugin = record.role + " " + record.name + " " + record.version;
  Suite suite{plugin, record, settings, report};
  torch::set_num_threads(settings.threads);
  CheckTable(suite);
  const std::string missing = MissingOptions(*record.options, settings.options);
  if (!missing.empty()) {
    suite.Skip("everything else", "needs the options " + missing + " (--set NAME=VALUE)");
    return report;
  }
  if (record.role == "dataset") CheckDataset(suite);
  if (record.role == "teacher") CheckTeacher(suite);
  if (record.role == "student") CheckStudent(suite);
  if (record.role == "objective") CheckObjective(suite);
  return report;
}

}  // namespace cross4d::conformance
