// RESNET_SANITIZED where a sanitizer watches every access: such builds have an operator new of their own, and are slow, so that
// tests of whole networks take fewer photos there.
#pragma once

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define RESNET_SANITIZED
#endif
#elif defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define RESNET_SANITIZED
#endif
