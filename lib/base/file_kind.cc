#include "lib/base/file_kind.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <string>
#include <utility>

namespace resnet {

using std::string_view_literals::operator""sv;

namespace {

struct Magic {
  std::size_t offset;
  std::string_view bytes;
  FileKind kind;
};

// The first that fits counts. Signatures as the formats' own specifications give them.
constexpr auto magics = std::to_array<Magic>({
    {0, "\xff\xd8\xff"sv, {"a JPEG", FileGroup::picture}},
    {0, "\x89PNG\r\n\x1a\n"sv, {"a PNG", FileGroup::picture}},
    {0, "GIF8"sv, {"a GIF", FileGroup::picture}},
    {8, "WEBP"sv, {"a WebP picture", FileGroup::picture}},
    {0, "II*\0"sv, {"a TIFF", FileGroup::picture}},
    {0, "MM\0*"sv, {"a TIFF", FileGroup::picture}},
    {0, "II+\0"sv, {"a TIFF", FileGroup::picture}},
    {0, "MM\0+"sv, {"a TIFF", FileGroup::picture}},
    {4, "ftypavi"sv, {"an AVIF picture", FileGroup::picture}},
    {4, "ftyphei"sv, {"a HEIF picture", FileGroup::picture}},
    {4, "ftyphev"sv, {"a HEIF picture", FileGroup::picture}},
    {4, "ftypmif1"sv, {"a HEIF picture", FileGroup::picture}},
    {4, "ftypmsf1"sv, {"a HEIF picture", FileGroup::picture}},
    {4, "ftyp"sv, {"a video", FileGroup::other}},
    {0, "\0\0\0\x0cjP  "sv, {"a JPEG 2000 picture", FileGroup::other}},
    {0, "\xff\x4f\xff\x51"sv, {"a JPEG 2000 picture", FileGroup::other}},
    {0, "\xff\x0a"sv, {"a JPEG XL picture", FileGroup::other}},
    {0, "\0\0\1\0"sv, {"an icon", FileGroup::other}},
    {0, "8BPS"sv, {"a Photoshop picture", FileGroup::other}},
    {0, "P7\n"sv, {"a PAM picture", FileGroup::other}},
    {0, "Pf\n"sv, {"a PFM picture", FileGroup::other}},
    {0, "PF\n"sv, {"a PFM picture", FileGroup::other}},
    {0, "SIMPLE  ="sv, {"a FITS picture", FileGroup::other}},
    {0, "\x93NUMPY"sv, {"a NumPy array", FileGroup::array}},
    {0, "\x89HDF\r\n\x1a\n"sv, {"an HDF5 file (Keras)", FileGroup::model}},
    {4, "TFL3"sv, {"a TensorFlow Lite model", FileGroup::model}},
    {4, "ORTM"sv, {"an ONNX Runtime model (.ort)", FileGroup::model}},
    {0, "GGUF"sv, {"a GGUF model", FileGroup::model}},
    {0, "ptrt"sv, {"a TensorRT engine", FileGroup::model}},
    {0, "ftrt"sv, {"a TensorRT engine", FileGroup::model}},
    {0, "MATLAB "sv, {"a MATLAB file", FileGroup::other}},
    {0, "%PDF"sv, {"a PDF document", FileGroup::other}},
    {0, "\x1f\x8b"sv, {"a gzip archive", FileGroup::archive}},
    {0, "BZh"sv, {"a bzip2 archive", FileGroup::archive}},
    {0,
     "\xfd"
     "7zXZ\0"sv,
     {"an xz archive", FileGroup::archive}},
    {0, "\x28\xb5\x2f\xfd"sv, {"a Zstandard archive", FileGroup::archive}},
    {0, "7z\xbc\xaf\x27\x1c"sv, {"a 7-Zip archive", FileGroup::archive}},
    {0, "Rar!\x1a"sv, {"a RAR archive", FileGroup::archive}},
    {0, "PYTORCH1"sv, {"a checkpoint of PyTorch 1.0's preview release", FileGroup::model}},
    {257, "ustar"sv, {"a tar archive", FileGroup::archive}},
    {0,
     "\x7f"
     "ELF"sv,
     {"a program", FileGroup::other}},
    {0, "version https://git-lfs"sv, {"a Git LFS pointer", FileGroup::other}},
    {0, "# xet version"sv, {"a Xet pointer", FileGroup::other}},
    {0, "{\"error\":"sv, {"a server's error message, saved as a file", FileGroup::other}},
});

constexpr FileKind pytorch = {"a PyTorch checkpoint", FileGroup::weights}, keras = {"a Keras model", FileGroup::model},
                   pickle = {"a Python pickle (PyTorch, scikit-learn)", FileGroup::weights},
                   safetensors = {"a safetensors file of weights", FileGroup::weights},
                   zip = {"a ZIP archive", FileGroup::archive};

std::uint8_t byte_at(std::string_view text, std::size_t i) { return static_cast<std::uint8_t>(text[i]); }

std::uint64_t little_endian(std::string_view text, std::size_t offset, std::size_t bytes) {
  std::uint64_t number = 0;
  for (std::size_t i = 0; i < bytes; ++i) number |= std::uint64_t{byte_at(text, offset + i)} << (8 * i);
  return number;
}

// By the name of the first file within.
FileKind kind_of_zip(std::string_view head) {
  constexpr std::size_t fixed = 30;
  if (head.size() < fixed) return zip;
  const std::string_view name = head.substr(fixed, static_cast<std::size_t>(little_endian(head, 26, 2)));
  if (name.ends_with(".pkl") || name.ends_with("/version") || name.ends_with("/.format_version")) return pytorch;
  if (name.ends_with(".npy")) return {"a NumPy archive of several arrays", FileGroup::archive};
  if (name == "config.json" || name == "metadata.json") return keras;
  if (name == "[Content_Types].xml") return {"an office document", FileGroup::other};
  return zip;
}

// ModelProto begins with the version of its IR, a small number, and then another of its fields.
bool looks_like_onnx(std::string_view head) {
  if (head.size() < 16 || head[0] != '\x08' || byte_at(head, 1) < 3 || byte_at(head, 1) > 20) return false;
  constexpr std::string_view next_fields = "\x12\x1a\x22\x28\x32\x3a\x42";
  return next_fields.find(head[2]) != next_fields.npos;
}

bool looks_like_bmp(std::string_view head) {
  if (!head.starts_with("BM") || head.size() < 18) return false;
  const std::uint64_t size = little_endian(head, 14, 4);
  return size == 12 || (size >= 16 && size <= 124);
}

bool looks_like_pnm(std::string_view head) {
  if (head.size() < 4 || head[0] != 'P' || head[1] < '1' || head[1] > '6') return false;
  const std::size_t next = head.find_first_not_of(" \t\r\n", 2);
  if (next == head.npos) return false;
  return head[next] == '#' || (next > 2 && head[next] >= '0' && head[next] <= '9');
}

// In any case, after white space.
bool looks_like_page(std::string_view head) {
  const std::size_t begin = head.find_first_not_of(" \t\r\n");
  if (begin == head.npos) return false;
  std::string word(head.substr(begin, 14));
  for (char& c : word) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return word.starts_with("<!doctype html") || word.starts_with("<html");
}

// PyTorch 0.1 kept storages, tensors and a pickle in a tar archive.
bool looks_like_old_pytorch(std::string_view head) {
  if (head.starts_with("./")) head.remove_prefix(2);
  const std::string_view name = head.substr(0, head.find('\0'));
  return name == "storages" || name == "tensors" || name == "pickle" || name == "sys_info";
}

std::string lower_ending(const std::filesystem::path& file) {
  std::string ending = file.extension().string();
  std::transform(ending.begin(), ending.end(), ending.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  return ending;
}

}  // namespace

std::optional<FileKind> kind_of_content(std::string_view head) {
  const auto found = std::find_if(magics.begin(), magics.end(), [head](const Magic& magic) {
    return head.size() > magic.offset && head.substr(magic.offset).starts_with(magic.bytes);
  });
  if (found != magics.end()) {
    if (found->offset > 0 && found->kind.group == FileGroup::archive && looks_like_old_pytorch(head))
      return FileKind{"a checkpoint of PyTorch 0.1", FileGroup::model};
    return found->kind;
  }
  if (looks_like_page(head)) return FileKind{"a web page", FileGroup::other, "the download saved a page in its place"};
  if (head.starts_with("<?xml") && head.find("<Code>") != head.npos)
    return FileKind{"a server's error message, saved as a file", FileGroup::other};
  if (head.starts_with("PK\3\4")) return kind_of_zip(head);
  if (looks_like_bmp(head)) return FileKind{"a BMP", FileGroup::picture};
  if (looks_like_pnm(head)) return FileKind{"a PNM picture", FileGroup::picture};
  // A pickle's protocol, then a frame, a long (PyTorch's old magic number), a dict, a class, ...
  if (head.size() > 2 && head[0] == '\x80' && head[1] >= 2 && head[1] <= 5) return pickle;
  if (head.size() > 9 && head.substr(8, 2) == "{\"" && little_endian(head, 0, 8) < (std::uint64_t{1} << 30)) return safetensors;
  if (looks_like_onnx(head)) return FileKind{"an ONNX model", FileGroup::onnx};
  return std::nullopt;
}

std::optional<FileKind> kind_of_file(const std::filesystem::path& file) {
  const int descriptor = open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
  if (descriptor < 0) return std::nullopt;
  std::array<char, kind_bytes> bytes;
  struct stat status = {};
  const bool regular = fstat(descriptor, &status) == 0 && S_ISREG(status.st_mode);
  const ssize_t count = regular ? pread(descriptor, bytes.data(), bytes.size(), 0) : -1;
  close(descriptor);
  return count < 0 ? std::nullopt : kind_of_content({bytes.data(), static_cast<std::size_t>(count)});
}

std::optional<FileKind> kind_of_ending(const std::filesystem::path& file) {
  using Row = std::pair<std::string_view, FileKind>;
  constexpr FileKind tensorflow = {"a TensorFlow graph", FileGroup::model}, tensorrt = {"a TensorRT engine", FileGroup::model},
                     caffe = {"a Caffe model", FileGroup::model}, core_ml = {"a Core ML model", FileGroup::model},
                     paddle = {"a PaddlePaddle model", FileGroup::model}, archive = {"an archive", FileGroup::archive};
  static constexpr auto rows = std::to_array<Row>({{".pth", pytorch},
                                                   {".pt", pytorch},
                                                   {".th", pytorch},
                                                   {".ckpt", {"a checkpoint (PyTorch, TensorFlow)", FileGroup::weights}},
                                                   {".pkl", pickle},
                                                   {".pickle", pickle},
                                                   {".safetensors", safetensors},
                                                   {".tflite", {"a TensorFlow Lite model", FileGroup::model}},
                                                   {".pb", tensorflow},
                                                   {".pbtxt", tensorflow},
                                                   {".h5", {"an HDF5 file (Keras)", FileGroup::model}},
                                                   {".hdf5", {"an HDF5 file (Keras)", FileGroup::model}},
                                                   {".keras", keras},
                                                   {".engine", tensorrt},
                                                   {".trt", tensorrt},
                                                   {".plan", tensorrt},
                                                   {".mlmodel", core_ml},
                                                   {".mlpackage", core_ml},
                                                   {".caffemodel", caffe},
                                                   {".prototxt", caffe},
                                                   {".pdmodel", paddle},
                                                   {".pdparams", paddle},
                                                   {".params", {"an MXNet model", FileGroup::model}},
                                                   {".gguf", {"a GGUF model", FileGroup::model}},
                                                   {".ort", {"an ONNX Runtime model (.ort)", FileGroup::model}},
                                                   {".weights", {"a Darknet model", FileGroup::model}},
                                                   {".mar", {"a TorchServe archive", FileGroup::archive}},
                                                   {".zip", zip},
                                                   {".tar", archive},
                                                   {".tgz", archive},
                                                   {".gz", archive},
                                                   {".xz", archive},
                                                   {".bz2", archive},
                                                   {".zst", archive},
                                                   {".7z", archive},
                                                   {".rar", archive}});
  const std::string ending = lower_ending(file);
  const auto found = std::find_if(rows.begin(), rows.end(), [&ending](const Row& row) { return row.first == ending; });
  return found == rows.end() ? std::nullopt : std::optional(found->second);
}

}  // namespace resnet
