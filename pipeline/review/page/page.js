"use strict";
// Text reaches the page as text alone (textContent), never as HTML; nothing is fetched but the pictures.
// Offices have old browsers: nothing newer than Chromium 86 is used.
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const items = data.items;
  const find = (id) => document.getElementById(id);
  const store = `nianbao review ${data.name}`;
  const person = "nianbao person";

  // --- what is kept in the browser

  // answers: by item_id, {value, row, comment}; past: what each answer took the place of, for undo.
  let kept = { answers: {}, past: [], at: 0 };
  let me = { reviewer: "", language: navigator.language.startsWith("zh") ? "zh" : "en" };
  let stored = true;

  function load() {
    try {
      kept = { ...kept, ...JSON.parse(localStorage.getItem(store) || "{}") };
      me = { ...me, ...JSON.parse(localStorage.getItem(person) || "{}") };
    } catch {
      stored = false;
    }
    kept.at = Math.min(kept.at, Math.max(0, items.length - 1));
  }

  function keep() {
    try {
      localStorage.setItem(store, JSON.stringify(kept));
      localStorage.setItem(person, JSON.stringify(me));
      stored = true;
    } catch {
      stored = false;
      say("not-stored");
    }
  }

  const answerOf = (item) => kept.answers[item.id] || { value: "", row: "", comment: "" };
  const isAnswered = (item) => Boolean(answerOf(item).value || answerOf(item).row);

  // --- words

  const dictionary = { en: new Map(Object.entries(data.words.en)), zh: new Map(Object.entries(data.words.zh)) };
  const words = (key) => dictionary[me.language].get(key) ?? key;
  const fill = (key, values = {}) => words(key).replace(/\{(\w+)\}/g, (_, name) => values[name]);
  const say = (key, values) => { find("said").textContent = fill(key, values); };

  function speak() {
    document.documentElement.lang = me.language === "zh" ? "zh-Hans" : "en";
    document.title = words("title");
    for (const each of document.querySelectorAll("[data-word]")) each.textContent = words(each.dataset.word);
    find("language").textContent = words("language");
    find("language").lang = me.language === "zh" ? "en" : "zh-Hans";
    for (const id of ["report", "table", "reason"]) find(id).options[0].textContent = words("all");
    for (const option of [...find("reason").options].slice(1)) option.textContent = words(data.reasons[option.value]);
    show();
  }

  // --- which questions are looked at

  function list(id, texts) {
    const select = find(id);
    select.append(new Option("", ""));
    texts.forEach((text, number) => select.append(new Option(text, String(number))));
    select.addEventListener("change", choose);
  }

  function selected() {
    const [report, table, reason, state] = ["report", "table", "reason", "state"].map((id) => find(id).value);
    const is = (wanted, number) => wanted === "" || Number(wanted) === number;
    return items.flatMap((item, number) =>
      is(report, item.report) && is(table, item.table) && (reason === "" || item.reasons.includes(Number(reason)))
      && (state === "" || (state === "answered") === isAnswered(item)) ? [number] : []);
  }

  function choose() {
    const numbers = selected();
    if (numbers.length && !numbers.includes(kept.at)) kept.at = numbers[0];
    show();
  }

  function go(step) {
    const numbers = selected();
    const next = step > 0 ? numbers.find((each) => each > kept.at) : numbers.filter((each) => each < kept.at).pop();
    if (next !== undefined) turn(next);
  }

  function turn(number) {
    kept.at = number;
    keep();
    show();
    find("heading").focus();
  }

  // --- the question

  function element(name, text, attributes = {}) {
    const made = document.createElement(name);
    made.textContent = text;
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    return made;
  }

  const ofRows = (item) => item.kind === "rows";
  const ofLine = (item) => item.kind === "figures";

  const labelOf = (item, row) => row === "none" ? words("none") : (data.rows[item.rows].find(([id]) => id === row) || [row, row])[1];

  function named(item, choice) {
    if (item.kind === "row") return labelOf(item, choice);
    return ["blank", "slash", "dash"].includes(choice) ? words(choice) : choice;
  }

  function show() {
    const numbers = selected();
    const done = items.filter(isAnswered).length;
    find("done").max = items.length || 1;
    find("done").value = done;
    const left = numbers.filter((each) => !isAnswered(items[each])).length;
    find("count").textContent = fill("count", { done, all: items.length, left });
    const item = items[kept.at];
    const any = numbers.length > 0 && item !== undefined;
    find("nothing").hidden = any;
    find("question").hidden = !any;
    if (!any) return;
    find("heading").textContent = fill("heading", { number: kept.at + 1, all: items.length });
    const where = [data.reports[item.report], item.page && fill("where", { page: item.page }), data.tables[item.table],
      item.printed || item.row, ofLine(item) ? "" : item.column];
    find("where").textContent = where.filter(Boolean).join(" · ");
    showPicture(item);
    showFacts(item);
    find("asked").textContent = fill(item.named && ["cell", "finding"].includes(item.kind) ? "asked-name" : `asked-${item.kind}`, item);
    showChoices(item);
    const answer = answerOf(item);
    find("write").hidden = ["row", "rows", "form"].includes(item.kind);
    showMap(item, answer);
    find("value").value = item.choices.includes(answer.value) ? "" : answer.value || (ofLine(item) ? item.held : "");
    find("hint").textContent = fill(ofLine(item) ? "hint-figures" : "hint", item);
    showRows(item, answer);
    find("comment").value = answer.comment;
    if (!stored) say("not-stored");
  }

  function showPicture(item) {
    const picture = find("picture");
    picture.hidden = !item.picture;
    const shown = item.named ? "picture-table" : "picture";
    const text = fill(item.picture ? shown : item.page ? "no-picture" : "nowhere", item);
    if (item.picture) picture.src = item.picture;
    else picture.removeAttribute("src");
    picture.alt = text;
    find("caption").textContent = text;
    const following = selected().find((each) => each > kept.at && items[each].picture);
    if (following !== undefined) new Image().src = items[following].picture; // there when it is needed
  }

  function showFacts(item) {
    const ofRow = item.kind === "row";
    const facts = [
      ["printed", item.printed], ["form-row", item.row || (ofRow && words("none"))], ["form-column", item.column],
      ["unit", item.unit], ["held", ofRows(item) ? "" : item.held && named(item, item.held)], ["read", ofRow ? "" : item.reading],
    ];
    find("facts").replaceChildren(...facts.filter(([, text]) => text).flatMap(([key, text]) =>
      [element("dt", words(key)), element("dd", text, { lang: "zh-Hans" })]),
      element("dt", words("why")), element("dd", item.reasons.map((each) => words(data.reasons[each])).join("; ")));
    find("sums").hidden = !item.sums.length;
    find("sums").querySelector("ul").replaceChildren(...item.sums.map((text) => element("li", text)));
  }

  function showChoices(item) {
    const answer = answerOf(item);
    find("choices").replaceChildren(...item.choices.map((choice, place) => {
      const chosen = choice === (item.kind === "row" ? answer.row : answer.value);
      const button = element("button", "", { type: "button", "aria-pressed": chosen, "aria-keyshortcuts": place + 1 });
      button.append(element("kbd", String(place + 1), { "aria-hidden": "true" }), element("span", named(item, choice)));
      button.addEventListener("click", () => pick(item, choice));
      const line = document.createElement("li");
      line.append(button);
      return line;
    }));
  }

  const rowOptions = (item) =>
    [...data.rows[item.rows].map(([id, label]) => new Option(label, id)), new Option(words("none"), "none")];

  // Every printed row of a table with the row of the form that it is.
  function showMap(item, answer) {
    find("map").hidden = !ofRows(item);
    const held = (answer.row || item.held).split(" ");
    find("printed").replaceChildren(...item.labels.map((label, place) => {
      const line = document.createElement("li");
      const named = element("label", "");
      const select = element("select", "", { lang: "zh-Hans" });
      select.append(...rowOptions(item));
      select.value = held[place];
      named.append(element("span", label, { lang: "zh-Hans" }), select);
      line.append(named);
      return line;
    }));
  }

  function showRows(item, answer) {
    find("moved").hidden = !item.rows || ofRows(item);
    if (find("moved").hidden) return;
    const select = find("row");
    if (select.dataset.rows !== `${item.rows} ${me.language}`) {
      select.dataset.rows = `${item.rows} ${me.language}`;
      select.replaceChildren(new Option(words("choose"), ""), ...rowOptions(item));
    }
    select.value = item.kind === "row" && item.choices.includes(answer.row) ? "" : answer.row;
    find("moved").open = Boolean(select.value);
  }

  // --- answers

  const pick = (item, choice) => answer(item, item.kind === "row" ? { row: choice } : { value: choice });

  function change(item, answer) {
    kept.past.push([item.id, answerOf(item)]);
    kept.past = kept.past.slice(-1000);
    kept.answers[item.id] = { ...answerOf(item), ...answer };
  }

  function answer(item, given) {
    change(item, given);
    const text = Object.entries(given).map(([key, value]) => key === "row" ? labelOf(item, value) : named(item, value)).join("");
    const open = selected().filter((each) => !isAnswered(items[each]));
    const next = open.find((each) => each > kept.at) ?? open[0];
    say(next === undefined ? "complete" : "saved", { answer: text });
    turn(next ?? kept.at);
  }

  function undo() {
    const last = kept.past.pop();
    if (!last) return say("no-undo");
    const [id, before] = last;
    const number = Math.max(0, items.findIndex((item) => item.id === id));
    kept.answers[id] = { ...before, comment: answerOf(items[number]).comment };
    say("undone");
    turn(number);
  }

  function clear() {
    const item = items[kept.at];
    if (!item || !isAnswered(item)) return;
    change(item, { value: "", row: "" });
    say("cleared");
    turn(kept.at);
  }

  // --- the table, as `nianbao review export` writes it

  // A spreadsheet must not take what a person wrote for a formula.
  function safe(text) {
    const bare = text.replace(/^[\s\u200b-\u200d\u2060\ufeff]+/, "");
    return /^['\t\r\n]/.test(text) || /^[=+\-@＝＋－＠﹢﹣﹦﹫]/.test(bare) ? `'${text}` : text;
  }

  const quoted = (text) => /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;

  function line(item) {
    const { value, row, comment } = answerOf(item);
    const figure = /^-?[0-9]+(\.[0-9]+)?$/.test(value) ? value : safe(value);
    const by = isAnswered(item) ? me.reviewer : "";
    return [item.line, ...[figure, safe(row), safe(by), safe(comment)].map(quoted)].join(",");
  }

  function save() {
    const text = `\ufeff${[data.header, ...items.map(line)].join("\r\n")}\r\n`;
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([text], { type: "text/csv;charset=utf-8" }));
    link.download = data.file;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 60000);
    say("exported", { file: data.file });
  }

  // --- keys and buttons

  function pressed(event) {
    if (event.altKey || event.metaKey || event.isComposing) return;
    const control = event.target.closest("input, select, button, summary, a");
    const typing = control?.matches("input, select");
    if (event.key === "Escape" && typing) return find("heading").focus();
    if (typing) return;
    const item = items[kept.at];
    if (find("question").hidden && /^([1-9]|Enter|Delete)$/.test(event.key)) return;
    if (event.ctrlKey) {
      if (event.key !== "z") return;
      undo();
    } else if (/^[1-9]$/.test(event.key)) {
      const choice = item.choices[Number(event.key) - 1];
      if (choice === undefined || event.repeat) return;
      pick(item, choice);
    } else if (event.key === "Enter" && !control) {
      if (item.kind === "row") find("moved").open = true;
      (ofRows(item) ? find("printed").querySelector("select") : find(item.kind === "row" ? "row" : "value")).focus();
    } else if (event.key === "ArrowLeft") go(-1);
    else if (event.key === "ArrowRight") go(1);
    else if (event.key.toLowerCase() === "u") undo();
    else if (event.key === "Delete") clear();
    else return;
    event.preventDefault();
  }

  function begin() {
    load();
    list("report", data.reports);
    list("table", data.tables);
    list("reason", data.reasons);
    find("state").addEventListener("change", choose);
    find("reviewer").value = me.reviewer;
    find("reviewer").addEventListener("input", () => { me.reviewer = find("reviewer").value.trim(); keep(); });
    find("language").addEventListener("click", () => { me.language = me.language === "zh" ? "en" : "zh"; keep(); speak(); });
    find("comment").addEventListener("input", () => {
      const item = items[kept.at];
      kept.answers[item.id] = { ...answerOf(item), comment: find("comment").value };
      keep();
    });
    find("write").addEventListener("submit", (event) => {
      event.preventDefault();
      const value = find("value").value.trim();
      const figures = value.replace(/[!\uff01]/g, " ").split(/\s+/).filter(Boolean);
      if (ofLine(items[kept.at]) && (figures.length !== items[kept.at].count || figures.includes("?"))) {
        return say("lacking-figures", items[kept.at]);
      }
      if (value) answer(items[kept.at], { value });
    });
    find("map").addEventListener("submit", (event) => {
      event.preventDefault();
      const rows = [...find("printed").querySelectorAll("select")].map((select) => select.value);
      const twice = rows.find((row, place) => row !== "none" && rows.indexOf(row) !== place);
      if (twice) return say("twice", { row: labelOf(items[kept.at], twice) });
      answer(items[kept.at], { row: rows.join(" ") });
    });
    find("place").addEventListener("submit", (event) => {
      event.preventDefault();
      if (find("row").value) answer(items[kept.at], { row: find("row").value });
    });
    for (const [id, act] of Object.entries({ back: () => go(-1), next: () => go(1), undo, clear, export: save })) {
      find(id).addEventListener("click", act);
    }
    document.addEventListener("keydown", pressed);
    addEventListener("storage", (event) => { if (event.key === store) { load(); show(); } }); // another tab answered
    addEventListener("beforeunload", (event) => { if (!stored && Object.keys(kept.answers).length) event.preventDefault(); });
    keep();
    speak();
  }

  begin();
})();
