#include "formats/torch/pickle.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <bit>
#include <charconv>
#include <cstdint>
#include <cstring>
#include <span>
#include <vector>

#include "formats/table/text.h"
#include "lib/base/error.h"
#include "lib/base/parse.h"

namespace resnet::torch {

namespace {

constexpr std::size_t newest_protocol = 5;

// Python's own machine: a stack, the positions of marks on it, and a memo. Each group of opcodes says whether one was its own.
class Machine {
 public:
  Machine(Tree& tree, std::size_t begin) : tree_(tree), text_(tree.source()), at_(begin) {}

  Unpickled run() {
    while (true) {
      const char opcode = take(1)[0];
      if (opcode == '.') return {pop(), at_};
      if (!push_number(opcode) && !push_text(opcode) && !make_container(opcode) && !make_object(opcode) && !arrange(opcode)) {
        fail(fmt::format("opcode 0x{:02x} is not known", static_cast<unsigned char>(opcode)));
      }
    }
  }

 private:
  [[noreturn]] void fail(const std::string& what) const {
    throw Error(Fault::malformed, fmt::format("its pickle is damaged at byte {}: {}", at_, what));
  }

  std::string_view take(std::uint64_t size) {
    if (size > text_.size() - at_) {
      fail(fmt::format("it ends {} bytes further, {} are wanted", text_.size() - at_, size));
    }
    const std::string_view taken = text_.substr(at_, size);
    at_ += size;
    return taken;
  }
  template <typename T>
  T number() {
    T value;
    std::memcpy(&value, take(sizeof value).data(), sizeof value);
    return value;
  }
  std::uint64_t length() {
    const auto size = number<std::int32_t>();
    if (size < 0) fail("a length is negative");
    return static_cast<std::uint64_t>(size);
  }
  std::string_view line() {
    const std::size_t end = text_.find('\n', at_);
    if (end == text_.npos) fail("a line has no end");
    const std::string_view taken = text_.substr(at_, end - at_);
    at_ = end + 1;
    return taken;
  }

  void push(Id id) {
    tree_.spend(sizeof id);
    stack_.push_back(id);
  }
  // What is under the last mark cannot be reached.
  Id pop() {
    if (stack_.size() <= (marks_.empty() ? 0 : marks_.back())) fail("it takes what is not there");
    const Id id = stack_.back();
    stack_.pop_back();
    return id;
  }
  Id top() {
    const Id id = pop();
    stack_.push_back(id);
    return id;
  }
  // What was pushed after the last mark, and the mark.
  std::vector<Id> pop_marked() {
    if (marks_.empty()) fail("a mark is missing");
    const auto begin = stack_.begin() + static_cast<std::ptrdiff_t>(marks_.back());
    std::vector<Id> taken(begin, stack_.end());
    stack_.erase(begin, stack_.end());
    marks_.pop_back();
    return taken;
  }

  bool push_number(char opcode);
  bool push_text(char opcode);
  bool make_container(char opcode);
  bool make_object(char opcode);
  bool arrange(char opcode);

  void push_long(std::uint64_t size);
  void push_decimal(std::string_view digits);
  void push_bytes(Kind kind, std::uint64_t size);
  Id text_of_line();
  void append(Id container, std::span<const Id> values);
  void set_items(Id container, std::span<const Id> pairs);
  void memorise(std::uint64_t index);
  void recall(std::uint64_t index);
  std::uint64_t index_of_line();

  Tree& tree_;
  std::string_view text_;
  std::size_t at_;
  std::vector<Id> stack_, memo_;  // an Id of `unset` where the memo has nothing
  std::vector<std::size_t> marks_;
  static constexpr Id unset = ~Id{0};
};

// LONG1 and LONG4: little-endian, two's complement, as few bytes as it needs.
void Machine::push_long(std::uint64_t size) {
  const std::size_t begin = at_;
  const std::string_view bytes = take(size);
  if (size > 8) return push(tree_.add_text(Kind::big_integer, begin, size));
  std::uint64_t value = size > 0 && (bytes.back() & 0x80) != 0 ? ~std::uint64_t{0} : 0;
  std::memcpy(&value, bytes.data(), size);
  push(tree_.add_integer(std::bit_cast<std::int64_t>(value)));
}

void Machine::push_decimal(std::string_view digits) {
  const std::size_t begin = static_cast<std::size_t>(digits.data() - text_.data());
  if (digits.ends_with('L')) digits.remove_suffix(1);
  if (const auto value = parse_integer(digits)) return push(tree_.add_integer(*value));
  const bool is_number = !digits.empty() && digits.find_first_not_of("0123456789-") == digits.npos;
  if (!is_number) fail("an integer has other characters than digits");
  push(tree_.add_text(Kind::big_integer, begin, digits.size()));
}

bool Machine::push_number(char opcode) {
  switch (opcode) {
    case 'N': push(Tree::none); return true;
    case '\x88':
    case '\x89': push(tree_.add_boolean(opcode == '\x88')); return true;
    case 'J': push(tree_.add_integer(number<std::int32_t>())); return true;
    case 'K': push(tree_.add_integer(number<std::uint8_t>())); return true;
    case 'M': push(tree_.add_integer(number<std::uint16_t>())); return true;
    case '\x8a': push_long(number<std::uint8_t>()); return true;
    case '\x8b': push_long(length()); return true;
    case 'I': {
      const std::string_view digits = line();
      if (digits == "00" || digits == "01") {
        push(tree_.add_boolean(digits == "01"));
      } else {
        push_decimal(digits);
      }
      return true;
    }
    case 'L': push_decimal(line()); return true;
    case 'G': push(tree_.add_real(std::bit_cast<double>(__builtin_bswap64(number<std::uint64_t>())))); return true;
    case 'F': {
      double value = 0;
      const std::string_view digits = line();
      const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
      if (error == std::errc::invalid_argument || end != digits.data() + digits.size()) fail("a number is not one");
      push(tree_.add_real(value));
      return true;
    }
    default: return false;
  }
}

void Machine::push_bytes(Kind kind, std::uint64_t size) {
  const std::size_t begin = at_;
  take(size);
  push(tree_.add_text(kind, begin, size));
}

// What follows is one line, as it is: escapes of protocol 0 are not resolved.
Id Machine::text_of_line() {
  const std::size_t begin = at_;
  return tree_.add_text(Kind::text, begin, line().size());
}

bool Machine::push_text(char opcode) {
  switch (opcode) {
    case 'X': push_bytes(Kind::text, number<std::uint32_t>()); break;
    case '\x8c': push_bytes(Kind::text, number<std::uint8_t>()); break;
    case '\x8d': push_bytes(Kind::text, number<std::uint64_t>()); break;
    case 'V': push(text_of_line()); break;
    // Python 2's str are texts, of whatever encoding.
    case 'U': push_bytes(Kind::text, number<std::uint8_t>()); return true;
    case 'T': push_bytes(Kind::text, length()); return true;
    case 'S': {
      const std::size_t begin = at_;
      const std::string_view literal = line();
      const bool is_quoted =
          literal.size() >= 2 && (literal[0] == '\'' || literal[0] == '"') && literal.back() == literal.front();
      if (!is_quoted) fail("a text has no quotes");
      push(tree_.add_text(Kind::text, begin + 1, literal.size() - 2));
      return true;
    }
    case 'B': push_bytes(Kind::bytes, number<std::uint32_t>()); return true;
    case 'C': push_bytes(Kind::bytes, number<std::uint8_t>()); return true;
    case '\x8e':
    case '\x96': push_bytes(Kind::bytes, number<std::uint64_t>()); return true;
    default: return false;
  }
  if (!table::is_utf8(tree_.text(stack_.back()))) fail("a text is not UTF-8");
  return true;
}

void Machine::append(Id container, std::span<const Id> values) {
  const Kind kind = tree_.kind(container);
  if (kind != Kind::list && kind != Kind::set && kind != Kind::object) fail("it appends to " + tree_.describe(container));
  for (const Id value : values) tree_.append(container, Tree::none, value);
}

void Machine::set_items(Id container, std::span<const Id> pairs) {
  const Kind kind = tree_.kind(container);
  if (kind != Kind::dict && kind != Kind::object) fail("it sets a key of " + tree_.describe(container));
  if (pairs.size() % 2 != 0) fail("a key has no value");
  for (std::size_t i = 0; i < pairs.size(); i += 2) {
    const Kind key = tree_.kind(pairs[i]);
    if (key == Kind::list || key == Kind::dict || key == Kind::set) fail(tree_.describe(pairs[i]) + " cannot be a key");
    tree_.append(container, pairs[i], pairs[i + 1]);
  }
}

bool Machine::make_container(char opcode) {
  switch (opcode) {
    case ')': push(tree_.add_empty_tuple()); return true;
    case ']': push(tree_.add_container(Kind::list)); return true;
    case '}': push(tree_.add_container(Kind::dict)); return true;
    case '\x8f': push(tree_.add_container(Kind::set)); return true;
    case 't': push(tree_.add_tuple(pop_marked())); return true;
    case '\x85':
    case '\x86':
    case '\x87': {
      std::array<Id, 3> items;
      const std::size_t count = static_cast<unsigned char>(opcode) - 0x84u;
      for (std::size_t i = count; i-- > 0;) items[i] = pop();
      push(tree_.add_tuple(std::span(items).first(count)));
      return true;
    }
    case 'l':
    case 'd':
    case '\x91': {
      const std::vector<Id> values = pop_marked();
      push(tree_.add_container(opcode == 'l' ? Kind::list : opcode == 'd' ? Kind::dict : Kind::set));
      opcode == 'd' ? set_items(stack_.back(), values) : append(stack_.back(), values);
      return true;
    }
    case 'a': {
      const Id value = pop();
      append(top(), std::span(&value, 1));
      return true;
    }
    case 'e':
    case 'u':
    case '\x90': {
      const std::vector<Id> values = pop_marked();
      opcode == 'u' ? set_items(top(), values) : append(top(), values);
      return true;
    }
    case 's': {
      std::array<Id, 2> pair;
      pair[1] = pop();
      pair[0] = pop();
      set_items(top(), pair);
      return true;
    }
    default: return false;
  }
}

bool Machine::make_object(char opcode) {
  switch (opcode) {
    case 'c': {
      const Id module = text_of_line(), name = text_of_line();
      push(tree_.add_global(module, name));
      return true;
    }
    case '\x93': {
      const Id name = pop(), module = pop();
      if (!tree_.is_text(name) || !tree_.is_text(module)) fail("a class or a function has a name that is not a text");
      push(tree_.add_global(module, name));
      return true;
    }
    case 'R':
    case '\x81': {
      const Id arguments = pop(), callable = pop();
      if (tree_.kind(arguments) != Kind::tuple) fail("arguments are " + tree_.describe(arguments) + ", expected a tuple");
      push(tree_.add_object(callable, arguments));
      return true;
    }
    case '\x92': {
      pop();  // arguments by name: nothing of ours has them
      const Id arguments = pop(), callable = pop();
      push(tree_.add_object(callable, arguments));
      return true;
    }
    case 'i': {
      const Id module = text_of_line(), name = text_of_line();
      const Id arguments = tree_.add_tuple(pop_marked());
      push(tree_.add_object(tree_.add_global(module, name), arguments));
      return true;
    }
    case 'o': {
      const std::vector<Id> marked = pop_marked();
      if (marked.empty()) fail("an object has no class");
      push(tree_.add_object(marked[0], tree_.add_tuple(std::span(marked).subspan(1))));
      return true;
    }
    case 'b': {
      const Id state = pop();
      if (tree_.kind(top()) != Kind::object) fail("it sets the state of " + tree_.describe(top()));
      tree_.set_state(top(), state);
      return true;
    }
    case 'Q': push(tree_.add_persistent(pop())); return true;
    case 'P': push(tree_.add_persistent(text_of_line())); return true;
    default: return false;
  }
}

void Machine::memorise(std::uint64_t index) {
  // Python numbers what it memorises from 0 or 1 on.
  if (index > tree_.source().size() + 1000) fail(fmt::format("the memo's index {} is beyond what the pickle can have", index));
  const Id id = top();
  if (index >= memo_.size()) {
    tree_.spend((index + 1 - memo_.size()) * sizeof id);
    memo_.resize(index + 1, unset);
  }
  memo_[index] = id;
}

void Machine::recall(std::uint64_t index) {
  if (index >= memo_.size() || memo_[index] == unset) fail(fmt::format("the memo has nothing at {}", index));
  push(memo_[index]);
}

std::uint64_t Machine::index_of_line() {
  const auto index = parse_integer(line());
  if (!index || *index < 0) fail("the memo's index is not a number");
  return static_cast<std::uint64_t>(*index);
}

// The memo, the stack itself, and what frames it.
bool Machine::arrange(char opcode) {
  switch (opcode) {
    case 'q': memorise(number<std::uint8_t>()); return true;
    case 'r': memorise(number<std::uint32_t>()); return true;
    case 'p': memorise(index_of_line()); return true;
    case '\x94': memorise(memo_.size()); return true;
    case 'h': recall(number<std::uint8_t>()); return true;
    case 'j': recall(number<std::uint32_t>()); return true;
    case 'g': recall(index_of_line()); return true;
    case '(':
      tree_.spend(sizeof(std::size_t));
      marks_.push_back(stack_.size());
      return true;
    case '0':
      if (!marks_.empty() && marks_.back() == stack_.size()) {
        marks_.pop_back();
      } else {
        pop();
      }
      return true;
    case '1': pop_marked(); return true;
    case '2': push(top()); return true;
    case '\x80': {
      const std::size_t protocol = number<std::uint8_t>();
      if (protocol > newest_protocol) fail(fmt::format("its protocol is {}, expected at most {}", protocol, newest_protocol));
      return true;
    }
    case '\x95': {
      const auto size = number<std::uint64_t>();
      if (size > text_.size() - at_) fail(fmt::format("a frame has {} bytes, {} are left", size, text_.size() - at_));
      return true;
    }
    default: return false;
  }
}

}  // namespace

std::size_t budget_of(std::size_t stored) {
  constexpr std::size_t least = 12 << 20, most = 32 << 20, for_each_byte = 16;
  return stored > most / for_each_byte ? most : std::min(most, least + stored * for_each_byte);
}

Unpickled unpickle(Tree& tree, std::size_t begin) { return Machine(tree, begin).run(); }

}  // namespace resnet::torch
