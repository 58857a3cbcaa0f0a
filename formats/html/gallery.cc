#include "formats/html/gallery.h"

#include <fmt/format.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "formats/table/text.h"

namespace resnet::html {

namespace {

using Json = nlohmann::ordered_json;

constexpr std::string_view style = R"(
:root { color-scheme: light dark; --text: #222; --faint: #555; --ground: #fff; --line: #ccc; --part: #cfe3f7; --rest: #f4f4f4;
  --chosen: #234; --on-chosen: #fff; --right: #2a7; --wrong: #c33; --failed: #999; --bad: #b32020; }
@media (prefers-color-scheme: dark) {
  :root { --text: #e6e6e6; --faint: #b4b8bd; --ground: #16181b; --line: #4a5058; --part: #27507a; --rest: #24282d;
    --chosen: #cfe3f7; --on-chosen: #16181b; --right: #3c9; --wrong: #f66; --failed: #999; --bad: #ff8a80; }
}
body { font: 15px/1.45 system-ui, sans-serif; margin: 2rem auto; max-width: 84rem; padding: 0 1rem;
  color: var(--text); background: var(--ground); overflow-wrap: anywhere; }
h1 { font-size: 1.5rem; margin-bottom: .3rem; } .facts { color: var(--faint); margin: 0 0 1rem; }
nav { position: sticky; top: 0; background: var(--ground); padding: .6rem 0; display: flex; gap: .5rem; flex-wrap: wrap;
  align-items: center; z-index: 1; }
button { font: inherit; padding: .25rem .7rem; border: 1px solid var(--line); border-radius: 6px; color: var(--text);
  background: var(--ground); cursor: pointer; }
button[aria-pressed=true] { background: var(--chosen); color: var(--on-chosen); border-color: var(--chosen); }
input { font: inherit; padding: .25rem .5rem; border: 1px solid var(--line); border-radius: 6px; min-width: 0;
  color: var(--text); background: var(--ground); }
input::placeholder { color: var(--faint); opacity: 1; }
main { display: grid; grid-template-columns: repeat(auto-fill, minmax(15rem, 1fr)); gap: .8rem; }
figure { margin: 0; border: 1px solid var(--line); border-radius: 8px; padding: .5rem; overflow: hidden; }
figure.right { border-left: 5px solid var(--right); } figure.wrong { border-left: 5px solid var(--wrong); }
figure.failed { border-left: 5px solid var(--failed); }
.pictures { display: flex; gap: .3rem; height: 9rem; } .pictures img { height: 100%; min-width: 0; object-fit: contain; }
figcaption { font-size: .8rem; word-break: break-all; color: var(--faint); margin: .3rem 0; }
.bar { display: flex; justify-content: space-between; gap: .5rem; font-size: .85rem; padding: 0 .3rem; margin: 2px 0; border-radius: 3px; }
.bar span:first-child { overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
.truth { font-size: .85rem; color: var(--bad); }
@media (max-width: 40rem) { body { margin: 1rem auto; padding: 0 .6rem; } }
)";

// The page's data is the list of cards in the element "cards"; 60 of those that pass the filter are shown at a time.
constexpr std::string_view script = R"(
const cards = JSON.parse(document.getElementById('cards').textContent);
const state = {filter: 'all', text: '', page: 0};
const size = 60, uncertain = 0.5;
const filters = {
  all: () => true,
  right: c => c.truth !== undefined && c.right,
  wrong: c => c.truth !== undefined && !c.right && !c.error,
  uncertain: c => c.answers.length > 0 && c.answers[0][1] < uncertain,
  failed: c => c.error !== undefined,
};
const element = (tag, className, text) => {
  const made = document.createElement(tag);
  if (className) made.className = className;
  if (text !== undefined) made.textContent = text;
  return made;
};
function figure(card) {
  const box = element('figure', card.error ? 'failed' : card.truth === undefined ? '' : card.right ? 'right' : 'wrong');
  const pictures = element('div', 'pictures');
  for (const bytes of [card.thumbnail, card.overlay]) {
    if (!bytes) continue;
    const image = element('img');
    image.alt = card.name;
    image.src = 'data:image/jpeg;base64,' + bytes;
    pictures.append(image);
  }
  box.append(pictures, element('figcaption', '', card.name));
  if (card.error) box.append(element('div', 'truth', card.error));
  for (const [label, probability] of card.answers) {
    const bar = element('div', 'bar');
    const percent = (100 * probability).toFixed(1) + ' %';
    bar.style.background = `linear-gradient(to right, var(--part) ${100 * probability}%, var(--rest) 0)`;
    bar.append(element('span', '', label), element('span', '', percent));
    box.append(bar);
  }
  if (card.truth !== undefined && !card.right) box.append(element('div', 'truth', 'is ' + card.truth));
  return box;
}
function show() {
  const text = state.text.toLowerCase();
  const chosen = cards.filter(c => filters[state.filter](c) &&
    (text === '' || c.name.toLowerCase().includes(text) || c.answers.some(a => a[0].toLowerCase().includes(text))));
  const pages = Math.max(1, Math.ceil(chosen.length / size));
  state.page = Math.min(Math.max(0, state.page), pages - 1);
  document.querySelector('main').replaceChildren(...chosen.slice(state.page * size, (state.page + 1) * size).map(figure));
  document.getElementById('count').textContent = `${chosen.length} of ${cards.length}, page ${state.page + 1} of ${pages}`;
  for (const button of document.querySelectorAll('button[data-filter]'))
    button.setAttribute('aria-pressed', button.dataset.filter === state.filter);
}
for (const button of document.querySelectorAll('button[data-filter]'))
  button.addEventListener('click', () => { state.filter = button.dataset.filter; state.page = 0; show(); });
for (const button of document.querySelectorAll('button[data-step]'))
  button.addEventListener('click', () => { state.page += Number(button.dataset.step); show(); scrollTo(0, 0); });
document.querySelector('input').addEventListener('input', event => { state.text = event.target.value; state.page = 0; show(); });
show();
)";

}  // namespace

void Gallery::add(const Card& card) {
  Json json = {{"name", card.name}};
  if (!card.thumbnail.empty()) json["thumbnail"] = table::base64(card.thumbnail);
  if (!card.overlay.empty()) json["overlay"] = table::base64(card.overlay);
  json["answers"] = Json::array();
  for (const Card::Answer& answer : card.answers) {
    json["answers"].push_back(Json::array({answer.label, std::round(answer.probability * 1e6) / 1e6}));
  }
  if (card.truth) {
    has_truth_ = true;
    json["truth"] = *card.truth;
    json["right"] = card.right;
  }
  if (!card.error.empty()) json["error"] = card.error;
  std::string text = json.dump(-1, ' ', false, Json::error_handler_t::replace);
  // Nothing in it may end the element that holds it.
  for (std::size_t at = text.find('<'); at != std::string::npos; at = text.find('<', at)) text.replace(at, 1, "\\u003c");
  cards_ += (cards_.empty() ? "" : ",\n") + text;
}

std::string Gallery::render() const {
  std::string facts;
  for (const std::string& fact : facts_) facts += fmt::format("<p class=\"facts\">{}</p>\n", table::escape_markup(fact));
  const auto button = [](const char* filter) { return fmt::format("<button data-filter=\"{0}\">{0}</button>\n", filter); };
  std::string buttons = button("all");
  if (has_truth_) buttons += button("right") + button("wrong");
  buttons += button("uncertain") + button("failed");
  return fmt::format(
      "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<link rel=\"icon\" href=\"data:,\">\n<meta "
      "name=\"viewport\" content=\"width=device-width\">\n"
      "<title>{0}</title>\n<style>{1}</style>\n</head>\n<body>\n<header>\n<h1>{0}</h1>\n{2}</header>\n<nav>\n{3}<input "
      "placeholder=\"name or class\" "
      "aria-label=\"name or class\">\n<button data-step=\"-1\">previous</button>\n<button data-step=\"1\">next</button>\n<span "
      "id=\"count\"></span>\n</nav>\n<main></main>\n<script type=\"application/json\" id=\"cards\">[{4}]</script>\n"
      "<script>{5}</script>\n</body>\n</html>\n",
      table::escape_markup(title_), style, facts, buttons, cards_, script);
}

}  // namespace resnet::html
