// Photos of which the class is known: what `evaluate` reads.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "cli/tasks/feed/photo_files.h"
#include "lib/image/image.h"

namespace resnet::cli {

struct DatasetOptions {
  std::string data;          // a folder per class, a CSV of file and class, ImageNet's validation folder, a CIFAR-10 batch
  std::string ground_truth;  // for a folder of photos: their classes, one a line, in the order of the files' names
  std::string class_map;     // ILSVRC's numbers: a file of lines that hold a WordNet id and a number
};

struct Sample {
  std::filesystem::path file;
  std::vector<std::int64_t> truths;  // one per image in the file
};

struct Dataset {
  std::vector<Sample> samples;
  std::filesystem::path list;         // the CSV that names them, where one does
  std::vector<std::string> notes;     // what was assumed
  std::vector<std::string> failures;  // class folders that are missing, empty or cannot be read, a line for each kind
  std::string unreadable;             // the first failure of a folder that cannot be read; empty where all can
  OtherFiles others;                  // in the folders

  std::size_t photos() const;
};

// Classes are the indices of a network of `classes` classes: numbers, names of `labels`, or WordNet ids; a background class
// before them (1001 classes) moves names and ids by one. Throws Error(invalid) with the file and line for what cannot be
// understood.
Dataset load_dataset(const DatasetOptions& options, std::span<const std::string> labels, std::int64_t classes, Stop stop);

// The photos of a CIFAR-10 binary batch (data_batch_1.bin: a byte of class, then 32x32 levels of red, green and blue, each); none
// for another file. Throws Error(Role::input) where it is cut short.
bool is_cifar_batch(const std::filesystem::path& file);
std::vector<image::Pixels> read_cifar_batch(const std::filesystem::path& file);
// Of these numbers alone, from 0, ascending: as many of them as the file still has. Throws Error(Role::input) where it has none.
std::vector<image::Pixels> read_cifar_photos(const std::filesystem::path& file, std::span<const std::size_t> numbers);

}  // namespace resnet::cli
