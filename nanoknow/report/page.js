"use strict";
// The page reads without this; it searches and sorts the table of questions, and opens details.
const part = document.getElementById("questions");
const table = part.querySelector("table");
const body = table.tBodies[0];
const search = part.querySelector("input");
part.querySelector(".search").hidden = false;

search.addEventListener("input", () => {
  const wanted = search.value.toLowerCase();
  let shown = 0;
  for (const row of body.rows) {
    row.hidden = !row.textContent.toLowerCase().includes(wanted);
    shown += !row.hidden;
  }
  part.querySelector("[role=status]").textContent = `${shown} of ${body.rows.length} questions`;
});

for (const head of table.tHead.rows[0].cells) {
  const button = document.createElement("button");
  button.type = "button";
  button.append(...head.childNodes);
  head.append(button);
  button.addEventListener("click", () => {
    const up = head.getAttribute("aria-sort") !== "ascending";
    for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
    head.setAttribute("aria-sort", up ? "ascending" : "descending");
    const text = (row) => row.cells[head.cellIndex].textContent;
    const order = new Intl.Collator(undefined, { numeric: true }).compare;
    const number = head.classList.contains("number");
    const compare = (a, b) => (number ? parseFloat(text(a)) - parseFloat(text(b)) : order(text(a), text(b)));
    body.append(...[...body.rows].sort((a, b) => (up ? compare(a, b) : compare(b, a))));
  });
}

addEventListener("beforeprint", () => {
  for (const each of document.querySelectorAll("details")) each.open = true;
});
