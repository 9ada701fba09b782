// SPDX-License-Identifier: Apache-2.0
// The split `cross-identity` as data. Of every category with several identities a third, at least
// one, tests: those whose names have the smallest MixSeed({HashText(name)}). The 31 categories of
// one identity train: a test clip of a category that was never seen could not be recognised.
#include "names.h"

namespace cross4d::dt4d_animals {
namespace {

constexpr Identity kIdentities[] = {
    // name, category, tests
    {"bear3EP", "bear", false},       {"bear84Q", "bear", true},
    {"bear9AK", "bear", false},       {"bearPDD", "bear", true},
    {"bearVGG", "bear", false},       {"bucksYJL", "bucks", false},
    {"bullMJ6", "bull", false},       {"bunnyQ", "bunny", false},
    {"canieLTT", "canie", false},     {"catBG", "cat", false},
    {"cattleAFK", "cattle", false},   {"cetaceaUW", "cetacea", false},
    {"chickenDC", "chicken", false},  {"crocodileOPW", "crocodile", false},
    {"deer2MB", "deer", false},       {"deerA4K", "deer", false},
    {"deerFEL", "deer", false},       {"deerK5L", "deer", true},
    {"deerLO1", "deer", true},        {"deerOMG", "deer", false},
    {"deerSPL", "deer", false},       {"deerVMW", "deer", true},
    {"dinoBDK", "dino", true},        {"dinoET", "dino", false},
    {"doggieMN5", "doggie", false},   {"dragonOF2", "dragon", false},
    {"dragonOLO", "dragon", false},   {"dragonQKS", "dragon", true},
    {"duck", "duck", false},          {"elephantLN0", "elephant", false},
    {"elkML", "elk", false},          {"foxWDFS", "fox", false},
    {"foxXAT", "fox", true},          {"foxYSY", "fox", false},
    {"foxZED", "fox", false},         {"goatS4J6Y", "goat", false},
    {"grizzRSS", "grizz", false},     {"hippoDG", "hippo", false},
    {"hogRD", "hog", false},          {"huskydog3T", "huskydog", false},
    {"leopardSLM", "leopard", false}, {"lionessHTR42", "lioness", false},
    {"milkcow10L", "milkcow", false}, {"moose1DOG", "moose", true},
    {"moose45D", "moose", false},     {"moose6OK9", "moose", false},
    {"pigSTK69", "pig", false},       {"procySTEM", "procy", false},
    {"pumaRW", "puma", false},        {"rabbit7L6", "rabbit", false},
    {"rabbitFKP", "rabbit", true},    {"rabbitJM6", "rabbit", false},
    {"raccoonVGG", "raccoon", false}, {"ravenOL", "raven", false},
    {"rhinoDJ7S", "rhino", false},    {"seabirdKK", "seabird", false},
    {"sheepYZR10", "sheep", false},   {"tigerD8H", "tiger", false},
    {"zebraBM", "zebra", false},
};

}  // namespace

std::span<const Identity> OfficialIdentities() { return kIdentities; }

}  // namespace cross4d::dt4d_animals
