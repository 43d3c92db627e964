"use strict";
// Tables sort, folds open and close together, a link opens the fold that it leads to, a live run is read again.
const folds = () => [...document.querySelectorAll("details")];

for (const table of document.querySelectorAll("table.sortable")) {
  table.querySelectorAll("thead th").forEach((head, column) => {
    const button = document.createElement("button");
    button.append(...head.childNodes);
    head.append(button);
    button.addEventListener("click", () => {
      const falling = head.getAttribute("aria-sort") === "ascending";
      const value = (row) => row.cells[column].dataset.value ?? row.cells[column].textContent.trim();
      const order = (a, b) => Number(a) - Number(b) || a.localeCompare(b, "en", { numeric: true });
      const rows = [...table.tBodies[0].rows].sort((a, b) => order(value(a), value(b)));
      table.tBodies[0].append(...(falling ? rows.reverse() : rows));
      table.querySelectorAll("th").forEach((other) => other.removeAttribute("aria-sort"));
      head.setAttribute("aria-sort", falling ? "descending" : "ascending");
    });
  });
}

for (const button of document.querySelectorAll("button[data-folds]")) {
  button.hidden = false;
  button.addEventListener("click", () => {
    const within = [...document.getElementById(button.dataset.folds).querySelectorAll("details.candidate")];
    const open = within.some((fold) => !fold.open);
    within.forEach((fold) => { fold.open = open; });
  });
}

const reveal = () => {
  const target = location.hash && document.getElementById(decodeURIComponent(location.hash.slice(1)));
  const fold = target && target.closest("details");
  if (fold) { fold.open = true; fold.scrollIntoView(); }
};
addEventListener("hashchange", reveal);
reveal();

if (document.body.dataset.live) {
  const key = "folds of " + document.title;
  const remember = () => JSON.stringify(folds().flatMap((fold, place) => (fold.open ? [place] : [])));
  try { JSON.parse(sessionStorage.getItem(key) ?? "[]").forEach((place) => { folds()[place].open = true; }); } catch { /* a page without a store of its own forgets */ }
  setInterval(() => {
    if (document.hidden) return;
    try { sessionStorage.setItem(key, remember()); } catch { /* as above */ }
    location.reload();
  }, Number(document.body.dataset.live) * 1000);
}
