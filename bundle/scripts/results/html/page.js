"use strict";
(() => {
  const byId = (id) => document.getElementById(id);
  const about = JSON.parse(byId("about").textContent);
  const rows = JSON.parse(byId("rows").textContent).map((cells) => Object.fromEntries(about.fields.map((name, i) => [name, cells[i]])));
  byId("rows").remove();
  const FOLDERS = { o: ["overlays", ".png"], m: ["masks", ".png"], e: ["evidence", ".png"], g: ["dicom_seg", ".dcm"], s: ["dicom_sr", ".dcm"], p: ["report_pictures", ".jpg"] };
  const inOrder = new Intl.Collator(undefined, { numeric: true });
  const large = (words) => words.slice(0, 1).toUpperCase() + words.slice(1);
  const found = (row) => row.status === "ok" && row.diagnosis !== about.none;
  const codes = (row) => row.reason ? row.reason.split("; ").map((note) => note.split(" ")[0]) : [];
  const result = (row) => row.status !== "ok" ? row.status : found(row) ? row.diagnosis || "found" : row.diagnosis;
  const inWords = (name) => name === about.none ? "no lesion" : name === "found" ? "lesion found" : name;
  const two = (value) => value === null ? "" : value.toFixed(2);

  // Elements are made, never parsed: a name stays text whatever it holds.
  function make(tag, attributes = {}, ...children) {
    const element = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) {
      if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
      else if (value !== null && value !== undefined && value !== false) element.setAttribute(name, value === true ? "" : value);
    }
    element.append(...children.filter((child) => child !== null && child !== undefined && child !== ""));
    return element;
  }
  const encoded = (path) => path.split("/").map(encodeURIComponent).join("/");
  const address = (row, letter) => letter === "c" ? encoded(row.strip) : encoded(`${FOLDERS[letter][0]}/${row.results}`) + FOLDERS[letter][1];
  const badge = (words, kind) => make("span", { class: "badge " + kind }, words);
  const kindOf = (name) => name === about.positive ? "positive" : ["skipped", "failed", about.none].includes(name) ? "none" : "other";

  function size(values) {
    const [pixels, square, long, short] = values;
    if (long) return `${long.toFixed(1)} × ${short.toFixed(1)} mm` + (square ? `, ${square.toFixed(0)} mm²` : "");
    return pixels ? `${pixels.toLocaleString("en")} pixels` : "";
  }
  function flags(row) {
    const list = row.indeterminate ? [badge("indeterminate", "doubt")] : [];
    if (row.disagree) list.push(badge("views disagree", "doubt"));
    return list;
  }

  const isUid = (study) => /^[\d.]+$/.test(study);
  // Under its study a file needs no folders.
  const short = (row) => row.study && row.name.startsWith(row.study + "/") ? row.name.slice(row.study.length + 1) : row.name;

  const COLUMNS = {
    number: { title: "Row", value: (row) => row.number, number: true },
    name: { title: "Image", value: (row) => row.name },
    study: { title: "Study or folder", value: (row) => row.study || null, unseen: true },
    result: { title: "Result", value: (row) => inWords(result(row)) },
    probability: { title: large(about.probability), value: (row) => row.probability, number: true, high: true },
    reliability: { title: "Mask reliability", value: (row) => found(row) ? row.reliability : null, number: true, high: true, less: true },
    size: { title: "Size", value: (row) => row.size[2] ?? (row.size[0] || null), less: true, high: true },
    flags: { title: "Flags", value: (row) => (row.indeterminate ? 2 : 0) + (row.disagree ? 1 : 0) || null, high: true, unseen: true },
  };
  if (!rows.some((row) => row.study)) { delete COLUMNS.study; byId("studies").remove(); }
  if (!rows.some((row) => row.probability !== null)) { delete COLUMNS.probability; byId("range").remove(); }

  const seen = Object.entries(COLUMNS).filter(([, column]) => !column.unseen);

  // What is shown: the fields of the form and of `state`, kept in the address after #, so that a view can be handed on.
  const FIELDS = ["text", "result", "flag", "study", "from", "to", "sort", "per"].filter(byId);
  const state = { down: false, page: 0, row: 0, cards: false };
  let shown = [];

  function fill(select, options) { select.replaceChildren(...options.map(([value, words]) => make("option", { value }, words))); }
  function fillFields() {
    const results = [...new Set(rows.map(result))].sort();
    fill(byId("result"), [["", "all"], ...results.map((name) => [name, inWords(name)])]);
    const notes = [...new Set(rows.flatMap(codes))].sort();
    const marked = rows.some((row) => row.disagree) ? [["disagree", "views disagree"]] : [];
    fill(byId("flag"), [["", "any"], ["indeterminate", "indeterminate"], ["determinate", "not indeterminate"], ...marked, ...notes.map((code) => [code, code])]);
    fill(byId("sort"), Object.entries(COLUMNS).map(([name, column]) => [name, column.title]));
    byId("table").tHead.rows[0].replaceChildren(...seen.map(([name, column]) =>
      make("th", { scope: "col", class: classOf(column), "data-sort": name }, make("button", { type: "button", onclick: () => sortBy(name) }, column.title))));
  }
  const classOf = (column) => [column.number && "number", column.less && "less", column.title === "Image" && "name"].filter(Boolean).join(" ") || null;

  function matches(row, wanted) {
    const flag = wanted.flag;
    return (!wanted.text || (row.name + "\n" + row.study).toLowerCase().includes(wanted.text.toLowerCase()))
      && (!wanted.result || result(row) === wanted.result)
      && (!wanted.study || row.study.toLowerCase().includes(wanted.study.toLowerCase()))
      && (!wanted.from || (row.probability !== null && row.probability >= Number(wanted.from)))
      && (!wanted.to || (row.probability !== null && row.probability <= Number(wanted.to)))
      && (!flag || (flag === "indeterminate" ? row.indeterminate : flag === "determinate" ? row.status === "ok" && !row.indeterminate
        : flag === "disagree" ? row.disagree : codes(row).includes(flag)));
  }
  function choose() {
    const wanted = Object.fromEntries(FIELDS.map((id) => [id, byId(id).value.trim()]));
    const { value } = COLUMNS[wanted.sort] || COLUMNS.number, turn = state.down ? -1 : 1;
    shown = rows.filter((row) => matches(row, wanted)).map((row) => [value(row), row]).sort(([a, one], [b, other]) => {
      if (a === null || b === null) return (a === null) - (b === null) || one.number - other.number;
      return turn * (typeof a === "string" ? inOrder.compare(a, b) : a - b) || one.number - other.number;
    }).map(([, row]) => row);
  }
  function sortBy(name) {
    state.down = byId("sort").value === name ? !state.down : Boolean(COLUMNS[name].high);
    byId("sort").value = name;
    refresh(true);
  }
  const pageSize = () => Number(byId("per").value);

  const small = (words) => words ? make("span", { class: "study" }, words) : "";
  function tableRow(row) {
    const cells = {
      number: row.number, name: make("button", { type: "button", title: row.name }, make("span", {}, short(row))), result: badge(inWords(result(row)), kindOf(result(row))),
      probability: two(row.probability), reliability: found(row) ? two(row.reliability) : "", size: size(row.size),
    };
    return make("tr", { "data-row": row.number, onclick: () => open(row, true) }, ...seen.map(([name, column]) =>
      make("td", { class: classOf(column) }, cells[name],
        ...(name === "result" ? flags(row) : []), small(name === "name" ? row.study : name === "result" && row.status !== "ok" ? codes(row).join(", ") : ""))));
  }
  function picture(row, letter, alt) {
    const image = make("img", { loading: "lazy", alt, src: address(row, letter) });
    image.addEventListener("error", () => image.replaceWith(make("p", { class: "warning" }, "The picture does not lie beside this page. Move the folders together with it.")), { once: true });
    return image;
  }
  function described(row) {
    const told = row.probability === null ? "" : `, ${about.probability} ${two(row.probability)}`;
    return `${row.name}: ${found(row) ? "lesion outlined, " + (row.diagnosis || "no diagnosis") + told : "no lesion found"}${row.indeterminate ? ", indeterminate" : ""}`;
  }
  const TOLD = new Set("input frame region lesion sop_instance_uid status reason diagnosis reliability indeterminate flags area_px area_mm2 long_axis_mm short_axis_mm mask overlay out_of_domain box top left bottom right study track".split(" "));
  const SENTENCES = ["description", "words", "sentence", "text"];
  function lesion(one, index, row) {
    const number = (name) => one[name] ? Number(one[name]) : null;
    const column = about.probability.replaceAll(" ", "_"), sentence = SENTENCES.map((name) => one[name]).find(Boolean);
    const words = Object.entries(one).filter(([name, value]) => value && !TOLD.has(name) && !SENTENCES.includes(name) && name !== column && Number.isNaN(Number(value)));
    const facts = [one.diagnosis, one[column] && `${about.probability} ${two(number(column))}`, one.reliability && `mask reliability ${two(number("reliability"))}`,
      size(["area_px", "area_mm2", "long_axis_mm", "short_axis_mm"].map(number)), one.flags].filter(Boolean);
    return make("div", { class: "lesion" },
      make("h3", {}, row.lesions.length > 1 ? `Lesion ${index + 1} of ${row.lesions.length}` : "Lesion"),
      row.lesions.length > 1 ? make("p", {}, large(facts.join(", ")) + ".") : null,
      sentence ? make("p", { class: "words" }, sentence, make("small", {}, "Measured from the predicted outline.")) : null,
      words.length ? make("dl", {}, ...words.flatMap(([name, value]) => [make("dt", {}, large(name.replaceAll("_", " "))), make("dd", {}, value)])) : null);
  }
  // A picture that is loaded when it is asked for.
  function onDemand(row, letter, kind, title, alt) {
    const details = make("details", { class: kind }, make("summary", {}, title));
    details.addEventListener("toggle", () => details.querySelector("img, p") || details.append(make("a", { href: address(row, letter) }, picture(row, letter, alt))), { once: true });
    return details;
  }
  function fact(title, value, words) { return value === "" ? [] : [make("dt", {}, title), make("dd", {}, make("b", {}, value), words ? make("small", {}, words) : null)]; }

  function card(row, alone) {
    const shownPicture = ["o", "p"].find((letter) => row.files.includes(letter));
    const links = [["o", "Overlay"], ["m", "Mask"], ["g", "DICOM Segmentation"], ["s", "DICOM Structured Report"]].filter(([letter]) => row.files.includes(letter));
    const step = (by, words, sign) => make("button", { type: "button", "aria-label": words, title: words, onclick: () => move(by) }, sign);
    const whole = row.status === "ok";
    return make("article", { "data-row": row.number, onclick: alone ? () => {} : () => mark(row) },
      make("header", {}, make("h2", {}, short(row)), alone ? make("nav", { "aria-label": "Neighbours" }, step(-1, "Previous image", "‹"), " ", step(1, "Next image", "›")) : null),
      row.study ? make("p", { class: "study" }, `${about.names ? (isUid(row.study) ? "Study " : "Folder ") : ""}${row.study} `, make("button", { type: "button", onclick: () => only(row.study) }, "show all of it")) : null,
      make("p", {}, badge(whole && found(row) ? large(row.diagnosis || "lesion found") : large(inWords(result(row))), kindOf(result(row))), ...flags(row)),
      shownPicture ? make("figure", {}, make("a", { href: address(row, shownPicture) }, picture(row, shownPicture, described(row)))) : null,
      whole && found(row) ? make("dl", {},
        ...fact(large(about.probability), two(row.probability), about.calibrated ? "calibrated on held-out images" : "not calibrated: a rank, no frequency"),
        ...fact("Mask reliability", two(row.reliability), "expected overlap of the outline with a drawn one; not how sure the diagnosis is"),
        ...fact("Size", size(row.size), "")) : null,
      row.indeterminate ? make("p", {}, "Indeterminate: do not use the diagnosis.") : null,
      row.disagree ? make("p", {}, "Views of this study disagree.") : null,
      ...row.lesions.map((one, index) => lesion(one, index, row)),
      ...(row.reason ? row.reason.split("; ").map((note) => make("p", {}, `${about.reasons[note.split(" ")[0]] || ""} `, make("code", {}, note))) : []),
      row.strip ? onDemand(row, "c", "cine", "Cine: probability over its frames", `The cine of ${row.name}: probability and mask reliability over its frames`) : null,
      row.files.includes("e") ? onDemand(row, "e", "evidence", "Evidence: where it looked, and what it weighed", `${row.name}: image, response to the text, candidate boxes, and outline`) : null,
      links.length ? make("ul", { class: "links screen" }, ...links.map(([letter, words]) => make("li", {}, make("a", { href: address(row, letter) }, words)))) : null);
  }

  function refresh(first) {
    choose();
    if (first) state.page = 0;
    const pages = Math.max(1, Math.ceil(shown.length / pageSize()));
    state.page = Math.min(Math.max(state.page, 0), pages - 1);
    const begin = state.page * pageSize(), part = shown.slice(begin, begin + pageSize());
    document.body.classList.toggle("as-cards", state.cards);
    byId("view").textContent = state.cards ? "Table" : "Cards";
    byId("cards").replaceChildren(...(state.cards ? part.map((row) => card(row, false)) : []));
    byId("table").tBodies[0].replaceChildren(...(state.cards ? [] : part.map(tableRow)));
    const asked = ["text", "result", "flag", "study", "from", "to"].filter((id) => byId(id)?.value.trim()).map((id) => id === "text" ? `“${byId(id).value.trim()}”` : `${id} ${inWords(byId(id).value)}`);
    byId("shown").textContent = `${shown.length} of ${rows.length} images` + (asked.length ? ` (${asked.join(", ")})` : "") + (pages > 1 ? `, ${begin + 1} to ${begin + part.length} on this page` : "");
    byId("page").textContent = `Page ${state.page + 1} of ${pages}`;
    byId("pages").hidden = pages < 2;
    byId("back").disabled = state.page === 0;
    byId("on").disabled = state.page === pages - 1;
    for (const head of byId("table").tHead.rows[0].cells) {
      const sorted = head.dataset.sort === byId("sort").value;
      if (sorted) head.setAttribute("aria-sort", state.down ? "descending" : "ascending"); else head.removeAttribute("aria-sort");
      head.firstChild.textContent = COLUMNS[head.dataset.sort].title + (sorted ? (state.down ? "\u00a0↓" : "\u00a0↑") : "");
    }
    for (const tile of document.querySelectorAll(".tiles button")) {
      const of = tile.dataset.flag ? byId("flag").value === tile.dataset.flag && !byId("result").value : byId("result").value === tile.dataset.result && !byId("flag").value;
      tile.setAttribute("aria-pressed", of);
    }
    const kept = part.find((row) => row.number === state.row) || part[0];
    if (kept) open(kept, false); else { byId("card").replaceChildren(); remember(); }
  }
  function mark(row) {
    state.row = row.number;
    for (const element of document.querySelectorAll("[aria-current]")) element.removeAttribute("aria-current");
    const current = document.querySelector(`${state.cards ? "#cards article" : "#table tr"}[data-row="${row.number}"]`);
    if (current) current.setAttribute("aria-current", "true");
    remember();
    return current;
  }
  function open(row, look) {
    const current = mark(row);
    if (!state.cards) byId("card").replaceChildren(card(row, true));
    if (look) (state.cards || innerWidth >= 1152 ? current : byId("card"))?.scrollIntoView({ block: innerWidth >= 1152 && !state.cards ? "nearest" : "start" });
  }
  function move(by) {
    const place = shown.findIndex((row) => row.number === state.row) + by;
    if (place < 0 || place >= shown.length) return;
    const page = Math.floor(place / pageSize());
    state.row = shown[place].number;
    if (page !== state.page) { state.page = page; refresh(false); }
    open(shown[place], true);
  }
  function only(study) { byId("study").value = study; refresh(true); }
  function turn(by) { state.page += by; state.row = 0; refresh(false); byId("table").scrollIntoView({ block: "start" }); }

  function remember() {
    const kept = new URLSearchParams();
    for (const id of FIELDS) if (byId(id).value && byId(id).value !== byId(id).dataset.usual) kept.set(id, byId(id).value);
    for (const [name, value] of Object.entries(state)) if (value) kept.set(name, value === true ? "1" : value);
    history.replaceState(null, "", "#" + kept);
  }
  function recall() {
    const kept = new URLSearchParams(location.hash.slice(1));
    for (const id of FIELDS) byId(id).value = kept.get(id) ?? byId(id).dataset.usual;
    if (!byId("sort").value) byId("sort").value = "number";
    Object.assign(state, { down: kept.has("down"), cards: kept.has("cards"), page: Number(kept.get("page")) || 0, row: Number(kept.get("row")) || 0 });
    refresh(false);
  }
  async function printCards() {
    state.cards = true;
    refresh(false);
    for (const image of byId("cards").querySelectorAll("img")) image.loading = "eager";
    await Promise.allSettled([...byId("cards").querySelectorAll("img")].map((image) => image.decode()));
    print();
  }

  const KEYS = { j: () => move(1), ArrowDown: () => move(1), k: () => move(-1), ArrowUp: () => move(-1), v: () => byId("view").click(), "/": () => byId("text").focus(),
    e: () => { const all = document.querySelector(state.cards ? "#cards [aria-current] .evidence" : "#card .evidence"); if (all) all.open = !all.open; } };
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.target.closest?.("input, select")) { if (event.key === "Escape") event.target.blur(); return; }
    if (Object.hasOwn(KEYS, event.key)) { event.preventDefault(); KEYS[event.key](); }
  });
  byId("filters").addEventListener("input", () => { state.down = state.down && byId("sort").value === sorted; sorted = byId("sort").value; refresh(true); });
  let sorted = "number";
  byId("filters").addEventListener("submit", (event) => event.preventDefault());
  byId("view").addEventListener("click", () => { state.cards = !state.cards; refresh(false); });
  byId("print").addEventListener("click", printCards);
  byId("reset").addEventListener("click", () => { location.hash = ""; recall(); });
  byId("back").addEventListener("click", () => turn(-1));
  byId("on").addEventListener("click", () => turn(1));
  for (const tile of document.querySelectorAll(".tiles button")) tile.addEventListener("click", () => {
    byId("result").value = tile.dataset.result ?? "";
    byId("flag").value = tile.dataset.flag ?? "";
    refresh(true);
  });
  addEventListener("hashchange", () => { if (document.activeElement === document.body) recall(); });
  addEventListener("beforeprint", () => { byId("what").open = true; });
  fillFields();
  for (const id of FIELDS) byId(id).dataset.usual = id === "per" ? "50" : id === "sort" ? "number" : "";
  recall();
  document.documentElement.dataset.ready = Math.round(performance.now());
})();
