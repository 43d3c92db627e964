"use strict";
// Tables sort and name their cells for narrow screens, folds open and close together, a link opens the fold that it
// leads to, a live run is read again.
for (const table of document.querySelectorAll("table")) {
  const heads = [...table.querySelectorAll("thead th")];
  const names = heads.map((head) => head.textContent.trim());
  for (const row of table.querySelectorAll("tbody tr, tfoot tr")) [...row.cells].forEach((cell, column) => { cell.dataset.name = names[column]; });
  table.classList.add("named");
  if (!table.classList.contains("sortable")) continue;
  heads.forEach((head, column) => {
    const button = document.createElement("button");
    button.append(...head.childNodes);
    head.append(button);
    button.addEventListener("click", () => {
      const falling = head.getAttribute("aria-sort") === "ascending";
      const value = (row) => row.cells[column].dataset.value ?? row.cells[column].textContent.trim();
      const order = (a, b) => Number(a) - Number(b) || a.localeCompare(b, "en", { numeric: true });
      const rows = [...table.tBodies[0].rows].sort((a, b) => order(value(a), value(b)));
      table.tBodies[0].append(...(falling ? rows.reverse() : rows));
      heads.forEach((other) => other.removeAttribute("aria-sort"));
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
  const key = "folds of " + location.pathname;
  const folds = [...document.querySelectorAll("details")];
  const name = (fold) => fold.id || `${fold.closest("[id]").id}: ${fold.querySelector("summary").textContent}`;
  const remembered = () => { try { return JSON.parse(sessionStorage.getItem(key)) ?? []; } catch { return []; } };
  const open = new Set(remembered());
  folds.filter((fold) => open.has(name(fold))).forEach((fold) => { fold.open = true; });
  setInterval(() => {
    if (document.hidden) return;
    const now = JSON.stringify(folds.filter((fold) => fold.open).map(name));
    try { sessionStorage.setItem(key, now); } catch { /* a page without a store of its own forgets */ }
    location.reload();
  }, Number(document.body.dataset.live) * 1000);
}
