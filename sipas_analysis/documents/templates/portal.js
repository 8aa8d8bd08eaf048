"use strict";
(() => {
  const root = document.documentElement;
  const body = document.querySelector("#list tbody");
  const rows = [...body.rows];
  const search = document.getElementById("search");
  const buttons = [...document.querySelectorAll("#list button")];
  const titles = [...document.querySelectorAll("h1 [lang]")];

  const plain = (text) => text.normalize("NFD").replace(/[\u0300-\u036f]/g, "")
    .replace(/[\u0110\u0111]/g, "d").toLowerCase().replace(/[^\p{L}\p{N}]+/gu, " ").trim();
  const chosen = (name) => {
    const found = document.querySelector('input[name="' + name + '"]:checked');
    return found ? found.value : "";
  };
  const said = rows.map((row) => " " + plain(row.cells[0].textContent + " " + row.dataset.code));
  const nameOf = (row) => {
    const found = row.cells[0].querySelector('[lang="' + root.lang + '"]');
    return (found || row.cells[0]).textContent;
  };

  const filter = () => {
    const words = plain(search.value).split(" ");
    const group = chosen("group");
    let shown = 0;
    rows.forEach((row, k) => {
      row.hidden = !words.every((word) => said[k].includes(" " + word)) ||
        (group !== "" && row.dataset.group !== group);
      shown += row.hidden ? 0 : 1;
    });
    for (const span of document.querySelectorAll("#shown [data-said]")) {
      span.textContent = span.dataset.said.replace("{shown}", shown);
    }
  };

  const compare = (key, sign) => (a, b) => {
    if (key === "name") return sign * nameOf(a.row).localeCompare(nameOf(b.row), root.lang) || a.k - b.k;
    if (key === "rank" && a.row.dataset.group !== b.row.dataset.group) {
      return a.row.dataset.group - b.row.dataset.group;
    }
    const [x, y] = [a.row.dataset[key], b.row.dataset[key]];
    if (x === "" || y === "") return (x === "") - (y === "") || a.k - b.k;
    return sign * (x - y) || a.k - b.k;
  };

  const sort = (button, way) => {
    const key = button.dataset.key;
    const order = rows.map((row, k) => ({ row, k })).sort(compare(key, way === "ascending" ? 1 : -1));
    body.append(...order.map((one) => one.row));
    for (const one of buttons) one.closest("th").setAttribute("aria-sort", one === button ? way : "none");
  };

  const speak = () => {
    root.lang = chosen("language") || root.lang;
    const title = titles.find((one) => one.lang === root.lang);
    if (title) document.title = title.textContent;
    const button = buttons.find((one) => one.closest("th").ariaSort !== "none");
    if (button && button.dataset.key === "name") sort(button, button.closest("th").ariaSort);
  };

  for (const button of buttons) {
    button.disabled = false;
    button.addEventListener("click", () => {
      const now = button.closest("th").getAttribute("aria-sort");
      const other = now === "ascending" ? "descending" : "ascending";
      sort(button, now === "none" ? button.dataset.first : other);
    });
  }
  search.addEventListener("input", filter);
  for (const one of document.querySelectorAll('input[name="group"]')) one.addEventListener("change", filter);
  for (const one of document.querySelectorAll('input[name="language"]')) one.addEventListener("change", speak);
  document.querySelector(".controls").hidden = false;
  speak();
  filter();
})();
