"use strict";
// The table sorts and filters, what changes on the disk is shown, chosen runs are kept while the user looks elsewhere.
const table = document.getElementById("runs"), body = table.tBodies[0], heads = [...table.tHead.rows[0].cells];
const words = document.getElementById("words"), filters = [...document.querySelectorAll("select[data-filter]")];
const order = document.getElementById("order"), shown = document.getElementById("shown"), none = document.getElementById("none");
const compare = document.getElementById("compare"), unchoose = document.getElementById("unchoose"), ended = document.getElementById("ended");
const collator = new Intl.Collator("en", { numeric: true }), SECONDS = 2, MOST = 26;
const sort = { column: 1, falling: true };
let version = document.body.dataset.version;
const rows = new Map([...body.rows].map((row) => [row.dataset.key, row]));

const value = (row) => row.cells[sort.column].dataset.value ?? "";
const before = (a, b) => {
  const one = value(a), two = value(b);
  if (one === "" || two === "") return (one === "") - (two === ""); // what has no value comes last, both ways
  const found = Number(one) - Number(two) || collator.compare(one, two);
  return sort.falling ? -found : found;
};

const arrange = () => {
  const found = [...body.rows], sorted = [...found].sort(before), focused = document.activeElement;
  if (found.every((row, place) => row === sorted[place])) return;
  body.append(...sorted);
  if (body.contains(focused)) focused.focus({ preventScroll: true });
};

const filter = () => {
  const wanted = words.value.toLowerCase().split(/\s+/).filter(Boolean);
  let count = 0;
  for (const row of body.rows) {
    const fits = wanted.every((word) => row.dataset.words.includes(word)) && filters.every((each) => !each.value || row.dataset[each.dataset.filter] === each.value);
    row.hidden = !fits;
    count += fits;
  }
  shown.textContent = count === rows.size ? `${count} runs` : `${count} of ${rows.size} runs`;
  none.hidden = count > 0;
};

const boxes = () => [...body.querySelectorAll("input[name=run]:checked")];
const choose = () => {
  const count = boxes().length;
  compare.disabled = count < 2 || count > MOST;
  compare.textContent = count > MOST ? `at most ${MOST} runs, not ${count}` : count > 1 ? `Compare ${count} runs` : count ? "choose one more to compare" : "choose runs to compare";
  unchoose.hidden = !count;
};

const remember = () => {
  const state = new URLSearchParams();
  if (words.value) state.set("words", words.value);
  filters.forEach((each) => each.value && state.set(each.dataset.filter, each.value));
  if (sort.column !== 1 || !sort.falling) state.set("sort", `${sort.column}${sort.falling ? "-" : "+"}`);
  history.replaceState(null, "", state.size ? `#${state}` : location.pathname);
  try { sessionStorage.setItem("chosen", JSON.stringify(boxes().map((box) => box.value))); } catch { /* then it is forgotten */ }
};

const recall = () => {
  const state = new URLSearchParams(location.hash.slice(1)), [, column, way] = /^(\d+)([-+])$/.exec(state.get("sort") ?? "") ?? [];
  words.value = state.get("words") ?? "";
  filters.forEach((each) => { each.value = state.get(each.dataset.filter) ?? ""; if (each.selectedIndex < 0) each.value = ""; });
  if (column > 0 && column < heads.length) Object.assign(sort, { column: Number(column), falling: way === "-" });
  try { for (const key of JSON.parse(sessionStorage.getItem("chosen") ?? "[]")) { const box = rows.get(key)?.querySelector("input"); if (box) box.checked = true; } } catch { /* as above */ }
};

const mark = () => {
  heads.forEach((head, column) => {
    if (column === sort.column) head.setAttribute("aria-sort", sort.falling ? "descending" : "ascending");
    else head.removeAttribute("aria-sort");
  });
  order.value = `${sort.column}${sort.falling ? "-" : "+"}`;
};

const sortBy = (column, falling) => { Object.assign(sort, { column, falling }); mark(); arrange(); remember(); };

heads.forEach((head, column) => {
  if (!column) return;
  const name = head.textContent, button = document.createElement("button");
  button.type = "button";
  button.append(...head.childNodes);
  head.append(button);
  button.addEventListener("click", () => sortBy(column, sort.column === column ? !sort.falling : "falling" in head.dataset));
  for (const way of "falling" in head.dataset ? "-+" : "+-") order.append(new Option(`${name} ${way === "-" ? "\u2193" : "\u2191"}`, `${column}${way}`));
});

const fresh = (html) => {
  const template = document.createElement("template");
  template.innerHTML = html; // the server has escaped every text of the run, as in the page itself
  return template.content.firstElementChild;
};

const renew = (key, html) => {
  const old = rows.get(key), row = fresh(html), focused = old?.contains(document.activeElement) && document.activeElement.tagName;
  const box = row.querySelector("input");
  if (box && old) box.checked = old.querySelector("input")?.checked ?? false;
  row.className = "fresh";
  if (old) old.replaceWith(row); else body.append(row);
  rows.set(key, row);
  if (focused) row.querySelector(focused)?.focus({ preventScroll: true });
};

const offer = () => {
  const tasks = filters[0], known = new Set([...tasks.options].map((option) => option.value));
  for (const row of body.rows) if (row.dataset.task && !known.has(row.dataset.task)) { known.add(row.dataset.task); tasks.append(new Option(row.dataset.task, row.dataset.task)); }
};

const apply = (news) => {
  version = news.version;
  const gone = news.fresh ? [...rows.keys()].filter((key) => !(key in news.rows)) : news.gone;
  for (const key of gone) { rows.get(key)?.remove(); rows.delete(key); }
  for (const [key, html] of Object.entries(news.rows)) renew(key, html);
  if (news.summary === null) return;
  document.getElementById("summary").innerHTML = news.summary;
  offer();
  arrange();
  filter();
  choose();
};

const ask = async () => {
  if (!document.hidden) {
    try {
      const answer = await fetch(`/changes?since=${encodeURIComponent(version)}`);
      if (!answer.ok) throw new Error(answer.statusText);
      apply(await answer.json());
      ended.hidden = true;
    } catch { ended.hidden = false; }
  }
  setTimeout(ask, SECONDS * 1000);
};

recall();
mark();
arrange();
filter();
choose();
document.querySelector(".tools").hidden = false;
words.addEventListener("input", () => { filter(); remember(); });
filters.forEach((each) => each.addEventListener("change", () => { filter(); remember(); }));
order.addEventListener("change", () => sortBy(Number.parseInt(order.value, 10), order.value.endsWith("-")));
body.addEventListener("change", () => { choose(); remember(); });
unchoose.addEventListener("click", () => { boxes().forEach((box) => { box.checked = false; }); choose(); remember(); });
setTimeout(ask, SECONDS * 1000);
