// What the library's headers need of the compiler. The namespace's version is part of every symbol's name: a program that was
// built against another version does not link, where it would go wrong.
#pragma once

#define RESNET_API __attribute__((visibility("default")))
// Inside of the library, whose own names are in namespace resnet, too, the public ones are not seen without their version.
#ifdef RESNET_BUILDS_API
#define RESNET_NAMESPACE_BEGIN \
  namespace resnet {           \
  namespace v0 {
#else
#define RESNET_NAMESPACE_BEGIN \
  namespace resnet {           \
  inline namespace v0 {
#endif
#define RESNET_NAMESPACE_END \
  }                          \
  }
