"use strict";
for (const table of document.querySelectorAll("table.sorts")) {
  const body = table.tBodies[0];
  const headers = [...table.tHead.rows[0].cells];
  const order = new Intl.Collator(document.documentElement.lang, { numeric: true });
  const value = (row, place) => row.cells[place].dataset.value ?? row.cells[place].textContent.trim();

  headers.forEach((header, place) => {
    header.querySelector("button")?.addEventListener("click", () => {
      const down = header.getAttribute("aria-sort") === "ascending";
      headers.forEach((other) => other.removeAttribute("aria-sort"));
      header.setAttribute("aria-sort", down ? "descending" : "ascending");
      const rows = [...body.rows].sort((a, b) => order.compare(value(a, place), value(b, place)));
      body.append(...(down ? rows.reverse() : rows));
    });
  });

  const tools = table.closest("section").querySelector(".tools");
  if (!tools) continue;
  const [search, status, told] = ["input", "select", "output"].map((name) => tools.querySelector(name));
  const filter = () => {
    const words = search.value.toLocaleLowerCase().split(/\s+/).filter(Boolean);
    let shown = 0;
    for (const row of body.rows) {
      const text = row.textContent.toLocaleLowerCase();
      const fits = (!status.value || row.dataset.status === status.value) && words.every((word) => text.includes(word));
      row.hidden = !fits;
      shown += fits;
    }
    told.textContent = `${shown} / ${body.rows.length}`;
  };
  search.addEventListener("input", filter);
  status.addEventListener("change", filter);
  tools.hidden = false;
  filter();
}
