"use strict";
// Search over everything that the page says. The page is complete without it.
(() => {
  const MOST = 60;
  const SHOWN = 160;
  const $ = (id) => document.getElementById(id);
  let places = null;
  let waiting = 0;

  document.documentElement.classList.add("scripted");

  const plain = (text) => text.replace(/\s+/g, " ").trim();

  // A name may break anywhere (wbr), but what stands in two boxes is two texts.
  function textOf(node) {
    if (node.nodeType === Node.TEXT_NODE) return node.data;
    const inner = [...node.childNodes].map(textOf).join("");
    return ["CODE", "BDI", "A", "B", "WBR"].includes(node.tagName) ? inner : ` ${inner} `;
  }

  // The texts are read from the page when somebody searches for the first time.
  function index() {
    places = [...document.querySelectorAll("[data-find]")].map((node) => {
      const head = node.matches("details") ? node.querySelector("summary .card-title") : node.matches("article") ? node.querySelector("h3") : node.querySelector("th, dt");
      const name = plain(textOf(head?.querySelector("code") || head || node));
      const whole = node.matches("details, article") ? name : plain(textOf(node));
      return { node, kind: node.dataset.find, name, text: whole, folded: (node.dataset.find + " " + whole).toLowerCase(), title: name.toLowerCase() };
    });
  }

  function anchor(node) {
    const owner = node.id ? node : node.closest("[id]");
    return owner ? owner.id : "main";
  }

  function marked(text, words) {
    const at = Math.max(0, Math.min(...words.map((word) => { const i = text.toLowerCase().indexOf(word); return i < 0 ? Infinity : i; })) - 40);
    const cut = (Number.isFinite(at) && at > 0 ? "… " : "") + text.slice(Number.isFinite(at) ? at : 0, (Number.isFinite(at) ? at : 0) + SHOWN);
    const made = document.createElement("span");
    made.className = "muted";
    let rest = cut;
    while (rest) {
      const hits = words.map((word) => [rest.toLowerCase().indexOf(word), word.length]).filter(([i]) => i >= 0).sort((a, b) => a[0] - b[0]);
      if (!hits.length) break;
      const [start, length] = hits[0];
      made.append(rest.slice(0, start));
      const mark = document.createElement("mark");
      mark.textContent = rest.slice(start, start + length);
      made.append(mark);
      rest = rest.slice(start + length);
    }
    made.append(rest);
    return made;
  }

  function search() {
    const words = $("q").value.toLowerCase().split(/\s+/).filter(Boolean);
    $("hits").hidden = words.length === 0;
    if (!words.length) return;
    if (!places) index();
    const found = places.filter((place) => words.every((word) => place.folded.includes(word)));
    const rank = (place) => (words.every((word) => place.title.includes(word)) ? 0 : 1) + (place.title === words.join(" ") ? -1 : 0);
    found.sort((a, b) => rank(a) - rank(b));
    $("found").textContent = found.length === 1 ? "1 place" : `${found.length.toLocaleString("en")} places` + (found.length > MOST ? `, the first ${MOST} shown` : "");
    $("list").replaceChildren(...found.slice(0, MOST).map((place) => {
      const item = document.createElement("li");
      const link = document.createElement("a");
      link.href = "#" + anchor(place.node);
      link.textContent = place.name;
      item.append(link, ` (${place.kind})`, marked(place.text, words));
      return item;
    }));
  }

  $("q").addEventListener("input", () => { clearTimeout(waiting); waiting = setTimeout(search, 60); });
  $("q").addEventListener("keydown", (event) => {
    if (event.key === "Enter") { clearTimeout(waiting); search(); $("list").querySelector("a")?.focus(); }
    if (event.key === "Escape") { $("q").value = ""; search(); }
  });

  // A link to something inside a closed part of the page opens it.
  const open = () => {
    const target = location.hash.length > 1 && document.getElementById(decodeURIComponent(location.hash.slice(1)));
    for (let part = target; part; part = part.parentElement?.closest("details")) if (part.tagName === "DETAILS") part.open = true;
    if (target?.tagName === "ARTICLE") target.querySelector("details").open = true;
    if (target) target.scrollIntoView();
  };
  addEventListener("hashchange", open);
  document.addEventListener("click", (event) => { if (event.target.closest?.("a[href^='#']")) setTimeout(open); });
  open();

  const cards = [...document.querySelectorAll(".card.map")];
  $("open-all")?.addEventListener("click", () => cards.forEach((card) => { card.open = true; }));
  $("close-all")?.addEventListener("click", () => cards.forEach((card) => { card.open = false; }));
  if (matchMedia("(max-width: 68rem)").matches) document.querySelector(".toc").open = false;
})();
