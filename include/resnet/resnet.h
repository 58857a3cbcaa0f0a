// All of the library: Model -> Network -> Classifier -> Answer.
#pragma once

#include "resnet/answer.h"      // IWYU pragma: export
#include "resnet/classifier.h"  // IWYU pragma: export
#include "resnet/error.h"       // IWYU pragma: export
#include "resnet/model.h"       // IWYU pragma: export
#include "resnet/network.h"     // IWYU pragma: export
