// SPDX-License-Identifier: Apache-2.0
// CPU time of reading UTD-MHAD clips (MAT file to 24 x 2048 points, without and with part labels)
// against zlib inflating the same files, interleaved on one thread:
//   bench_utd_mhad UTD_MHAD_FOLDER [ROUNDS]
#include <zlib.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <fstream>
#include <functional>
#include <iterator>
#include <string>
#include <vector>

#include "utd_mhad.h"

namespace {

constexpr std::int64_t kEvery = 86;  // of 861 clips: eleven, over all actions
constexpr std::size_t kBeforeStream = 136, kFrameBytes = 240 * 320 * 2;

double CpuMs() {
  timespec now{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) * 1e3 + static_cast<double>(now.tv_nsec) * 1e-6;
}

// Reads and inflates a file frame by frame, into one frame's memory.
void InflateWithZlib(const std::string& path, std::vector<unsigned char>* frame) {
  std::ifstream file(path, std::ios::binary | std::ios::ate);
  std::vector<unsigned char> bytes(static_cast<std::size_t>(file.tellg()));
  file.seekg(0);
  file.read(reinterpret_cast<char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
  z_stream stream{};
  stream.next_in = bytes.data() + kBeforeStream;
  stream.avail_in = static_cast<uInt>(bytes.size() - kBeforeStream);
  if (!file || inflateInit(&stream) != Z_OK) std::abort();
  int code = Z_OK;
  while (code == Z_OK) {
    stream.next_out = frame->data();
    stream.avail_out = static_cast<uInt>(frame->size());
    code = inflate(&stream, Z_NO_FLUSH);
  }
  inflateEnd(&stream);
  if (code != Z_STREAM_END) std::abort();
}

struct Contender {
  const char* name;
  std::function<void(std::int64_t)> read;
  double total_ms = 0;
};

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) return std::fputs("bench_utd_mhad UTD_MHAD_FOLDER [ROUNDS]\n", stderr), 2;
  const int rounds = argc > 2 ? std::atoi(argv[2]) : 15;
  cross4d::utd_mhad::Options options;
  options.root = argv[1];
  const cross4d::utd_mhad::UtdMhad labelled(options, {});
  options.part_labels = false;
  const cross4d::utd_mhad::UtdMhad plain(options, {});
  std::vector<unsigned char> frame(kFrameBytes);
  std::vector<Contender> contenders;
  contenders.push_back({"zlib alone", [&](std::int64_t i) {
                          const auto& id = plain.clips()[static_cast<std::size_t>(i)].video;
                          InflateWithZlib(options.root + "/Depth/" + id + "_depth.mat", &frame);
                        }});
  contenders.push_back({"a clip", [&](std::int64_t i) { plain.Load(i); }});
  contenders.push_back({"with part labels", [&](std::int64_t i) { labelled.Load(i); }});

  int clips = 0;
  for (std::int64_t i = 0; i < static_cast<std::int64_t>(plain.clips().size()); i += kEvery) {
    ++clips;
    std::vector<double> best(contenders.size(), 1e30);
    for (int round = 0; round < rounds; ++round) {
      for (std::size_t c = 0; c < contenders.size(); ++c) {
        const double start = CpuMs();
        contenders[c].read(i);
        best[c] = std::min(best[c], CpuMs() - start);
      }
    }
    for (std::size_t c = 0; c < contenders.size(); ++c) contenders[c].total_ms += best[c];
  }
  for (const Contender& c : contenders) {
    std::printf("%-18s %6.2f ms a clip, %.2f x\n",
                c.name,
                c.total_ms / clips,
                c.total_ms / contenders[0].total_ms);
  }
  return 0;
}
