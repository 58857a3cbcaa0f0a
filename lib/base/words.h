// Choices: the values of an enum and the words that people and files have for them, in one table beside the enum. Parsing, help,
// completion, errors and stored texts follow from it.
#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>

namespace resnet {

template <typename T>
struct Word {
  T value;
  std::string_view text;
};

// The table of an enum, in the order in which help lists it. It is found by the enum's namespace, where this is beside it:
//   constexpr auto words_of(Color) { return std::to_array<Word<Color>>({{Color::red, "red"}, {Color::blue, "blue"}}); }
template <typename E>
inline constexpr auto words = words_of(E{});

template <typename E>
concept HasWords = std::is_enum_v<E> && requires(E value) {
  words_of(value);
};

// Nothing for a word that is not in the table.
template <typename T>
constexpr std::optional<T> find_value(std::span<const Word<T>> table, std::string_view text) {
  for (const Word<T>& word : table) {
    if (word.text == text) return word.value;
  }
  return std::nullopt;
}
template <HasWords E>
constexpr std::optional<E> find_value(std::string_view text) {
  return find_value<E>(words<E>, text);
}

// Empty for a value that is not in the table.
template <typename T>
constexpr std::string_view word_of(std::span<const Word<T>> table, const T& value) {
  for (const Word<T>& word : table) {
    if (word.value == value) return word.text;
  }
  return {};
}
template <HasWords E>
constexpr std::string_view word_of(E value) {
  return word_of<E>(words<E>, value);
}

// The table's part for some of its values, in their order.
template <HasWords E, std::size_t count>
constexpr std::array<Word<E>, count> words_of_these(const E (&values)[count]) {
  std::array<Word<E>, count> table{};
  for (std::size_t i = 0; i < count; ++i) table[i] = {values[i], word_of(values[i])};
  return table;
}

// The table after a word for no value: "auto" leaves the choice to the program.
template <HasWords E>
constexpr auto words_with_none(std::string_view none) {
  constexpr std::size_t count = std::tuple_size_v<decltype(words_of(E{}))>;
  std::array<Word<std::optional<E>>, count + 1> table{};
  table[0] = {std::nullopt, none};
  for (std::size_t i = 0; i < count; ++i) table[i + 1] = {words<E>[i].value, words<E>[i].text};
  return table;
}

// "a|b|c"
template <typename T>
std::string joined(std::span<const Word<T>> table, std::string_view separator) {
  std::string all;
  for (const Word<T>& word : table) {
    if (!all.empty()) all += separator;
    all += word.text;
  }
  return all;
}
template <HasWords E>
std::string joined_words(std::string_view separator) {
  return joined<E>(words<E>, separator);
}

// "a, b or c"
template <HasWords E>
std::string listed_words(std::string_view last) {
  std::string all;
  for (std::size_t i = 0; i < words<E>.size(); ++i) {
    if (i > 0) all += i + 1 == words<E>.size() ? " " + std::string(last) + " " : ", ";
    all += words<E>[i].text;
  }
  return all;
}

}  // namespace resnet
