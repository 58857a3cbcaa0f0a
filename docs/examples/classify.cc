// classify MODEL PHOTO: the likeliest classes of a photo.
#include <resnet/resnet.h>

#include <iostream>

int main(int argc, char** argv) try {
  if (argc != 3) throw resnet::Error(resnet::Fault::invalid_argument, "expected two arguments: MODEL PHOTO");
  const resnet::Network network(resnet::Model::open(argv[1]));
  resnet::Classifier classifier(network);
  for (const resnet::Class& found : classifier.classify(argv[2]).classes)
    std::cout << 100 * found.probability << " %  " << found.index << "  " << found.label << "\n";
} catch (const resnet::Error& error) {
  std::cerr << "classify: " << error.what() << "\n";
  return 1;
}
