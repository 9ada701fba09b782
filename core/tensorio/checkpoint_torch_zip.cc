// SPDX-License-Identifier: Apache-2.0
#include "core/tensorio/checkpoint_internal.h"
#include "core/tensorio/pickle.h"
#include "core/tensorio/zip_archive.h"

#include <cross4d/sdk/error.h>
#include <cross4d/sdk/random.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <optional>
#include <utility>

namespace cross4d::tensorio {
namespace {

using Kind = PickleValue::Kind;

// data.pkl holds names and shapes only; the largest published models need well under 1 MiB.
constexpr std::uint64_t kMaxPickleBytes = 64u << 20;
constexpr std::uint64_t kMaxStorageBytes = std::uint64_t{1} << 40;

constexpr std::array<std::pair<std::string_view, DType>, 9> kStorages = {
    {{"torch.FloatStorage", DType::kF32},
     {"torch.HalfStorage", DType::kF16},
     {"torch.BFloat16Storage", DType::kBF16},
     {"torch.DoubleStorage", DType::kF64},
     {"torch.LongStorage", DType::kI64},
     {"torch.IntStorage", DType::kI32},
     {"torch.ShortStorage", DType::kI16},
     {"torch.ByteStorage", DType::kU8},
     {"torch.BoolStorage", DType::kBool}}};

std::optional<DType> StorageType(std::string_view global) {
  for (const auto& [name, dtype] : kStorages) {
    if (global == name) return dtype;
  }
  return {};
}

bool Allowed(std::string_view global) {
  for (const char* name : {"collections.OrderedDict",
                           "argparse.Namespace",
                           "torch._utils._rebuild_tensor_v2",
                           "torch._utils._rebuild_parameter",
                           "torch.Size"}) {
    if (global == name) return true;
  }
  return StorageType(global).has_value();
}

std::string DottedName(std::string_view before, const PickleValue& key) {
  const std::string own =
      key.Is(Kind::kInteger) ? std::to_string(key.integer) : std::string(key.text);
  return before.empty() ? own : std::string(before) + "." + own;
}

// A tensor: a view of part of a storage.
struct StoredTensor {
  std::size_t member = 0;
  std::uint64_t offset = 0, count = 0;  // in elements
  bool row_major = true;
  std::vector<std::uint64_t> strides;
};

class TorchZipCheckpoint : public Checkpoint {
 public:
  TorchZipCheckpoint(std::unique_ptr<ZipArchive> zip,
                     const std::filesystem::path& file,
                     const std::filesystem::path& folder)
      : Checkpoint(file, folder), zip_(std::move(zip)) {
    const std::size_t member = FindPickle();
    CheckByteOrder();
    const std::vector<std::byte> stream = zip_->Read(member, kMaxPickleBytes);
    const Pickle pickle =
        Pickle::Parse(stream, path_ + ", " + zip_->members()[member].name, Allowed);
    Collect("", pickle.root(), 0);
    if (tensors_.empty()) FailInput(path_ + ": holds no tensors");
  }

  TensorBytes Read(const std::string& name) const override {
    const CheckpointTensor& info = Get(name);
    const StoredTensor& stored = places_.at(name);
    auto storage =
        std::make_shared<const std::vector<std::byte>>(zip_->Read(stored.member, kMaxStorageBytes));
    const std::size_t size = DTypeSize(info.dtype);
    if (!stored.row_major) storage = Gather(*storage, stored, info, size);
    const std::uint64_t begin = stored.row_major ? stored.offset * size : 0;
    return {std::span(*storage).subspan(begin, stored.count * size), storage};
  }

  std::uint64_t ContentHash(const std::string& name) const override {
    const StoredTensor& stored = places_.at(name);
    return MixSeed({zip_->members()[stored.member].crc, stored.offset});
  }

 private:
  std::size_t FindPickle() {
    // "archive/data.pkl"; the folder's name is the file's name when it was saved.
    for (std::size_t i = 0; i < zip_->members().size(); ++i) {
      const std::string& name = zip_->members()[i].name;
      if (!name.ends_with("/data.pkl")) continue;
      prefix_ = name.substr(0, name.size() - std::strlen("data.pkl"));
      for (std::size_t k = 0; k < zip_->members().size(); ++k) {
        members_.emplace(zip_->members()[k].name, k);
      }
      if (members_.count(prefix_ + "constants.pkl") > 0) {
        FailInput(path_ +
                  ": is a TorchScript program, not a file of weights; export its state_dict "
                  "with torch.save instead");
      }
      return i;
    }
    FailInput(path_ + ": is a zip file without data.pkl, so not PyTorch weights");
  }

  void CheckByteOrder() {
    const auto it = members_.find(prefix_ + "byteorder");
    if (it == members_.end()) return;
    const std::vector<std::byte> text = zip_->Read(it->second, 64);
    if (std::string_view(reinterpret_cast<const char*>(text.data()), text.size()) != "little") {
      FailInput(path_ + ": was written in big-endian byte order, which is not supported");
    }
  }

  // Nested dictionaries become dotted names: {"model": {"norm.weight": …}} is model.norm.weight.
  void Collect(const std::string& name, const PickleValue& value, int depth) {
    if (value.Is(Kind::kObject)) {
      if (value.text == "torch._utils._rebuild_parameter" && !value.arguments->items.empty()) {
        return Collect(name, *value.arguments->items[0], depth + 1);
      }
      if (value.text == "torch._utils._rebuild_tensor_v2") Add(name, *value.arguments);
      return;
    }
    if (!value.Is(Kind::kDict)) return;
    if (depth > 8 || ++dictionaries_ > 100'000) {
      FailInput(path_ + ": dictionaries are nested too deeply at '" + name + "'");
    }
    for (std::size_t i = 0; i + 1 < value.items.size(); i += 2) {
      const PickleValue& key = *value.items[i];
      if (!key.Is(Kind::kText) && !key.Is(Kind::kInteger)) continue;
      Collect(DottedName(name, key), *value.items[i + 1], depth + 1);
    }
  }

  [[noreturn]] void FailTensor(const std::string& name, const std::string& what) const {
    FailInput(path_ + ": tensor '" + name + "': " + what);
  }

  std::vector<std::uint64_t> Sizes(const std::string& name, const PickleValue& value) const {
    std::vector<std::uint64_t> sizes;
    for (const PickleValue* side : value.items) {
      if (!side->Is(Kind::kInteger) || side->integer < 0)
        FailTensor(name, "has a side that is no size");
      sizes.push_back(static_cast<std::uint64_t>(side->integer));
    }
    return sizes;
  }

  // _rebuild_tensor_v2(("storage", type, key, device, count), offset, shape, strides, …).
  void Add(const std::string& name, const PickleValue& arguments) {
    const auto& a = arguments.items;
    if (a.size() < 4 || !a[0]->Is(Kind::kPersistent) || !a[1]->Is(Kind::kInteger) ||
        a[1]->integer < 0 || !a[2]->Is(Kind::kTuple) || !a[3]->Is(Kind::kTuple) ||
        a[2]->items.size() != a[3]->items.size() || a[2]->items.size() > 16) {
      FailTensor(name, "is described in an unknown way");
    }
    const PickleValue& id = *a[0]->items[0];
    if (!id.Is(Kind::kTuple) || id.items.size() != 5 || !id.items[1]->Is(Kind::kGlobal) ||
        !id.items[2]->Is(Kind::kText)) {
      FailTensor(name, "names its storage in an unknown way");
    }
    const std::optional<DType> dtype = StorageType(id.items[1]->text);
    if (!dtype) FailTensor(name, "has the unknown type " + std::string(id.items[1]->text));
    const std::string member = prefix_ + "data/" + std::string(id.items[2]->text);
    const auto it = members_.find(member);
    if (it == members_.end()) FailTensor(name, "its bytes (" + member + ") are not in the file");
    StoredTensor stored;
    stored.member = it->second;
    stored.offset = static_cast<std::uint64_t>(a[1]->integer);
    stored.strides = Sizes(name, *a[3]);
    Place(name, Sizes(name, *a[2]), *dtype, std::move(stored));
  }

  // Checks that every element lies in the storage, then records the tensor.
  void Place(const std::string& name,
             const std::vector<std::uint64_t>& shape,
             DType dtype,
             StoredTensor stored) {
    const std::uint64_t held = zip_->members()[stored.member].bytes / DTypeSize(dtype);
    if (std::find(shape.begin(), shape.end(), 0u) != shape.end()) {  // no element to reach for
      stored.count = stored.offset = 0;
      stored.row_major = true;
      tensors_[name] = {dtype, std::vector<std::int64_t>(shape.begin(), shape.end()), path_};
      places_[name] = std::move(stored);
      return;
    }
    stored.count = 1;
    std::uint64_t last = stored.offset;  // index of the last element
    for (std::size_t i = shape.size(); i-- > 0;) {
      stored.row_major = stored.row_major && (shape[i] == 1 || stored.strides[i] == stored.count);
      const std::uint64_t steps = shape[i] - 1;
      if (shape[i] > held + 1 || (steps > 0 && stored.strides[i] > held / steps)) {
        FailTensor(name, "reaches beyond its " + std::to_string(held) + " stored elements");
      }
      last += steps * stored.strides[i];
      stored.count *= shape[i];
      if (stored.count > held || last > held) {
        FailTensor(name, "reaches beyond its " + std::to_string(held) + " stored elements");
      }
    }
    if (last >= held) {
      FailTensor(name, "reaches beyond its " + std::to_string(held) + " stored elements");
    }
    tensors_[name] = {dtype, std::vector<std::int64_t>(shape.begin(), shape.end()), path_};
    places_[name] = std::move(stored);
  }

  // Row-major copy of a tensor with other strides (a transposed one, say).
  static std::shared_ptr<const std::vector<std::byte>> Gather(const std::vector<std::byte>& storage,
                                                              const StoredTensor& stored,
                                                              const CheckpointTensor& info,
                                                              std::size_t size) {
    auto result = std::make_shared<std::vector<std::byte>>(stored.count * size);
    std::vector<std::int64_t> index(info.shape.size(), 0);
    std::uint64_t at = stored.offset;
    for (std::uint64_t i = 0; i < stored.count; ++i) {
      std::memcpy(result->data() + i * size, storage.data() + at * size, size);
      for (std::size_t k = index.size(); k-- > 0;) {
        at += stored.strides[k];
        if (++index[k] < info.shape[k]) break;
        at -= stored.strides[k] * static_cast<std::uint64_t>(info.shape[k]);
        index[k] = 0;
      }
    }
    return result;
  }

  std::unique_ptr<ZipArchive> zip_;
  std::string prefix_;
  std::map<std::string, std::size_t> members_;
  std::map<std::string, StoredTensor> places_;
  std::size_t dictionaries_ = 0;
};

}  // namespace

std::shared_ptr<const Checkpoint> OpenTorchZip(std::unique_ptr<ZipArchive> zip,
                                               const std::filesystem::path& file,
                                               const std::filesystem::path& folder) {
  return std::make_shared<TorchZipCheckpoint>(std::move(zip), file, folder);
}

}  // namespace cross4d::tensorio
