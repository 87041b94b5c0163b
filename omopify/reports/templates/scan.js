"use strict";
// Search over all columns. The page is complete without it.
(() => {
  const $ = (id) => document.getElementById(id);
  const cards = [...document.querySelectorAll(".card.form")].map((card) => ({
    card,
    opened: card.open,
    name: card.querySelector(".card-title").textContent.toLowerCase(),
    rows: [...card.querySelectorAll(".columns > tbody > tr")].map((row) => ({ row, text: row.textContent.toLowerCase(), flags: row.dataset.flags.split("|") })),
  }));
  const all = cards.reduce((sum, one) => sum + one.rows.length, 0);

  document.documentElement.classList.add("scripted");

  function search() {
    const words = $("q").value.toLowerCase().split(/\s+/).filter(Boolean);
    const [kind, flag] = [$("f-kind").value, $("f-flag").value];
    const asked = words.length || kind || flag;
    let found = 0;
    for (const one of cards) {
      let here = 0;
      for (const { row, text, flags } of one.rows) {
        const fits = words.every((word) => text.includes(word) || one.name.includes(word)) && (!kind || row.dataset.kind === kind) && (!flag || flags.includes(flag));
        row.hidden = !fits;
        here += fits;
      }
      one.card.hidden = here === 0;
      one.card.open = asked ? here > 0 : one.opened;
      found += here;
    }
    $("found").textContent = `${found.toLocaleString("en")} of ${all.toLocaleString("en")} columns`;
  }

  $("q").addEventListener("input", search);
  for (const name of ["f-kind", "f-flag"]) $(name).addEventListener("change", search);
  $("reset").addEventListener("click", () => {
    for (const name of ["q", "f-kind", "f-flag"]) $(name).value = "";
    search();
    $("q").focus();
  });

  // A link to something inside a closed part of the page opens it.
  const open = () => {
    const target = location.hash.length > 1 && document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (target && target.closest("[hidden]")) $("reset").click();
    for (let part = target; part; part = part.parentElement?.closest("details")) if (part.tagName === "DETAILS") part.open = true;
    if (target) target.scrollIntoView();
  };
  addEventListener("hashchange", open);
  document.addEventListener("click", (event) => { if (event.target.closest?.("a[href^='#']")) setTimeout(open); });
  search();
  open();
  if (matchMedia("(max-width: 68rem)").matches) document.querySelector(".toc").open = false;
})();
