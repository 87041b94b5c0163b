"use strict";
// Search over all checks. The page is complete without it, but for this one list.
(() => {
  const { states, severities, texts, rows } = JSON.parse(document.getElementById("data").textContent);
  const [STATE, SEVERITY, TABLE, COLUMN, CATEGORY, TYPE, SUITE, ID, ASKED, CAUSES, WHY, VIOLATED, OF, SHARE, ALLOWED, CHANGED, WAIVED, PLACE, UNIT] =
    Array(19).keys();
  const ICONS = ["fail", "error", "waived", "pass", "not-applicable", "off"];
  const TONES = ["critical", "warning", "info"];
  const AT_ONCE = 100;
  const $ = (id) => document.getElementById(id);
  const filters = { state: STATE, severity: SEVERITY, table: TABLE, category: CATEGORY, suite: SUITE };
  const words = { [STATE]: states, [SEVERITY]: severities };
  const wordOf = (row, field) => (words[field] || texts)[row[field]];
  const haystack = rows.map((row) =>
    [states[row[STATE]], severities[row[SEVERITY]], ...[TABLE, COLUMN, CATEGORY, TYPE, SUITE, ID, ASKED].map((f) => texts[row[f]])]
      .join(" ")
      .toLowerCase()
  );
  // The table and field as they are written in the list, so that "cdm.person.gender" finds them.
  rows.forEach((row, i) => { haystack[i] += " " + where(row).toLowerCase(); });
  let found = [];
  let shown = 0;
  let sorting = { by: "state", down: false };

  document.documentElement.classList.add("scripted");

  function where(row) {
    return texts[row[TABLE]] + (texts[row[COLUMN]] ? "." + texts[row[COLUMN]] : "");
  }

  function amount(value) {
    // A masked number is a text such as "<5" or "≥5": the least that it can be.
    return typeof value === "number" ? value : value === null ? -1 : value.startsWith("≥") ? Number(value.slice(1)) : 0.5;
  }

  const keys = {
    state: (r) => r[STATE] * 10 + r[SEVERITY],
    where,
    text: (r) => texts[r[ASKED]],
    violated: (r) => amount(r[VIOLATED]),
    share: (r) => (typeof r[VIOLATED] === "number" && r[OF] > 0 ? r[VIOLATED] / r[OF] : amount(r[VIOLATED]) > 0 ? 0 : -1),
  };

  function element(name, attributes = {}, ...children) {
    const made = document.createElement(name);
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    made.append(...children);
    return made;
  }

  function icon(name) {
    const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    for (const [key, value] of Object.entries({ class: "icon", "aria-hidden": "true", width: 16, height: 16 })) svg.setAttribute(key, value);
    const use = document.createElementNS("http://www.w3.org/2000/svg", "use");
    use.setAttribute("href", "#icon-" + name);
    svg.append(use);
    return svg;
  }

  function named(name) {
    const parts = name.split(/(?<=[_.])/);
    return element("code", {}, ...parts.flatMap((part, i) => (i ? [element("wbr"), part] : [part])));
  }

  const count = (value) => (value === null ? "–" : typeof value === "number" ? value.toLocaleString("en") : value);

  function badge(row) {
    const name = ICONS[row[STATE]];
    const tone = name === "fail" || name === "error" ? TONES[row[SEVERITY]] : name;
    return element("span", { class: "badge " + tone }, icon(name), states[row[STATE]]);
  }

  function paragraph(label, value) {
    return value ? [element("p", {}, element("b", {}, label + " "), element("bdi", {}, value))] : [];
  }

  function details(row) {
    const id = texts[row[ID]];
    const place = texts[row[PLACE]];
    return element(
      "details",
      {},
      element("summary", {}, element("bdi", {}, texts[row[ASKED]])),
      element("p", {}, "Check ", named(id), `, ${texts[row[CATEGORY]]}, suite ${texts[row[SUITE]]}, counts ${texts[row[UNIT]]}`),
      ...paragraph("Why:", texts[row[WHY]]),
      ...paragraph("", texts[row[CHANGED]]),
      ...paragraph("", texts[row[WAIVED]]),
      ...paragraph("What usually causes a failure:", texts[row[CAUSES]]),
      ...(place ? [element("p", {}, element("a", { href: "#" + place }, "More under failed checks"))] : [])
    );
  }

  function line(row) {
    return element(
      "tr",
      {},
      element("td", {}, badge(row), " ", element("span", { class: "muted" }, severities[row[SEVERITY]])),
      element("td", {}, named(where(row))),
      element("td", {}, details(row)),
      element("td", { class: "n" }, count(row[VIOLATED]), ...(row[OF] === null ? [] : [` of ${count(row[OF])}`])),
      element("td", { class: "n" }, texts[row[SHARE]]),
      element("td", { class: "n" }, texts[row[ALLOWED]])
    );
  }

  function more(howMany) {
    const part = document.createDocumentFragment();
    for (const i of found.slice(shown, shown + howMany)) part.append(line(rows[i]));
    $("hits").append(part);
    shown = Math.min(found.length, shown + howMany);
    const left = found.length - shown;
    $("more").hidden = left === 0;
    $("more").textContent = `Show ${Math.min(left, 5 * AT_ONCE).toLocaleString("en")} more`;
    $("found").textContent =
      `${found.length.toLocaleString("en")} of ${rows.length.toLocaleString("en")} checks` +
      (left ? `, the first ${shown.toLocaleString("en")} shown` : "");
  }

  function search() {
    const asked = $("q").value.toLowerCase().split(/\s+/).filter(Boolean);
    const chosen = Object.entries(filters).filter(([name]) => $("f-" + name).value).map(([name, field]) => [field, $("f-" + name).value]);
    found = [];
    rows.forEach((row, i) => {
      if (chosen.every(([field, value]) => wordOf(row, field) === value) && asked.every((word) => haystack[i].includes(word))) found.push(i);
    });
    const key = keys[sorting.by];
    const values = new Map(found.map((i) => [i, key(rows[i])]));
    const sign = sorting.down ? -1 : 1;
    found.sort((a, b) => {
      const [x, y] = [values.get(a), values.get(b)];
      return sign * (x < y ? -1 : x > y ? 1 : 0) || a - b;
    });
    $("hits").replaceChildren();
    shown = 0;
    more(AT_ONCE);
  }

  for (const [name, field] of Object.entries(filters)) {
    const present = new Set(rows.map((row) => wordOf(row, field)));
    const options = words[field] ? words[field].filter((word) => present.has(word)) : [...present].sort();
    for (const option of options) $("f-" + name).append(element("option", { value: option }, option));
    $("f-" + name).addEventListener("change", search);
  }
  $("q").addEventListener("input", search);
  $("more").addEventListener("click", () => {
    const next = $("hits").rows.length;
    more(5 * AT_ONCE);
    $("hits").rows[next]?.querySelector("summary").focus();
  });
  $("reset").addEventListener("click", () => {
    $("q").value = "";
    for (const name of Object.keys(filters)) $("f-" + name).value = "";
    search();
    $("q").focus();
  });
  for (const button of document.querySelectorAll("#list thead button")) {
    button.addEventListener("click", () => {
      const by = button.dataset.sort;
      sorting = { by, down: sorting.by === by ? !sorting.down : ["violated", "share"].includes(by) };
      for (const head of document.querySelectorAll("#list thead th")) head.removeAttribute("aria-sort");
      button.parentElement.setAttribute("aria-sort", sorting.down ? "descending" : "ascending");
      search();
    });
  }
  for (const link of document.querySelectorAll("#heat a[data-table]")) {
    link.addEventListener("click", () => {
      $("q").value = "";
      for (const name of Object.keys(filters)) $("f-" + name).value = link.dataset[name] ?? "";
      search();
    });
  }

  // A link to something inside a closed part of the page opens it.
  const open = () => {
    const target = location.hash.length > 1 && document.getElementById(decodeURIComponent(location.hash.slice(1)));
    for (let part = target; part; part = part.parentElement?.closest("details")) if (part.tagName === "DETAILS") part.open = true;
  };
  addEventListener("hashchange", open);
  document.addEventListener("click", (event) => { if (event.target.closest?.("a[href^='#']")) setTimeout(open); });
  open();

  const cards = [...document.querySelectorAll("#failed .card")];
  $("open-all")?.addEventListener("click", () => cards.forEach((card) => { card.open = true; }));
  $("close-all")?.addEventListener("click", () => cards.forEach((card) => { card.open = false; }));

  search();
})();
