// The hub's page: the wall's picture, the remote control, the feeds, and every metric with its definition.
// One WebSocket (docs/protocol.md); nothing is loaded from elsewhere, and text from outside is only ever text.
"use strict";

const WORDS = {
  zh: {
    other: "English", wall: "大屏画面", remote: "遥控", scene: "场景", mode: "模式", wallLang: "大屏语言", freeze: "定格",
    health: "运行状态", feeds: "数据来源", feedsNote: "最后一条事件", metrics: "指标", search: "按名称或口径查找",
    modes: { lobby: "大厅", brief: "汇报", ops: "值守" }, langs: { zh: "大屏中文", en: "大屏英文" },
    connecting: "连接中", live: "实时", lost: "连接中断，正在重连", late: "数据迟到", readOnly: "只读：不再收数据", ok: "正常",
    demo: "演示数据", noWall: "没有大屏连接到这里\n\nlingping wall --hub ws://", noPicture: "大屏已连接，正在等待画面", noScene: "还没有场景文件",
    until: "数据截至", rows: "行", version: "版本", uptime: "已运行", city: "城市", dup: "重复", quarantined: "隔离", waiting: "待工单",
    basis: "口径", source: "来源", window: "时段", refresh: "刷新", asOf: "截至", sample: "样本", name: "名称", systems: "系统", target: "目标",
    audience: "面向", note: "说明", copy: "复制 SQL", copied: "已复制", all: "全部", none: "无数据", few: "样本少于 30，只列件数", told: "已告知大屏",
    ago: "前", second: "秒", minute: "分", hour: "小时", day: "天", noFeeds: "还没有收到数据", problem: "查询文件有误", more: "另有 {n} 行",
    streams: { contacts: "接触", tickets: "工单", seats: "坐席", registry: "台账", activities: "活动", signals: "信号" },
  },
  en: {
    other: "中文", wall: "The wall", remote: "Remote control", scene: "Scene", mode: "Mode", wallLang: "Language of the wall", freeze: "Freeze",
    health: "Health", feeds: "Feeds", feedsNote: "latest event", metrics: "Metrics", search: "Find by name or definition",
    modes: { lobby: "Lobby", brief: "Briefing", ops: "Operations" }, langs: { zh: "Wall in Chinese", en: "Wall in English" },
    connecting: "connecting", live: "live", lost: "connection lost, trying again", late: "data is late", readOnly: "read-only: takes no data", ok: "good",
    demo: "Demo data", noWall: "No wall is connected here\n\nlingping wall --hub ws://", noPicture: "A wall is connected; waiting for its picture", noScene: "there are no scene files yet",
    until: "Data until", rows: "rows", version: "Version", uptime: "Up for", city: "City", dup: "duplicates", quarantined: "quarantined", waiting: "waiting for their ticket",
    basis: "Basis", source: "Source", window: "Window", refresh: "Refresh", asOf: "As of", sample: "Sample", name: "Name", systems: "Systems", target: "Target",
    audience: "Audience", note: "Note", copy: "Copy SQL", copied: "Copied", all: "All", none: "no data", few: "sample below 30: counts only", told: "The wall was told",
    ago: "ago", second: "s", minute: "min", hour: "h", day: "d", noFeeds: "nothing has come in yet", problem: "Query files with problems", more: "{n} more rows",
    streams: { contacts: "contacts", tickets: "tickets", seats: "seats", registry: "registry", activities: "activities", signals: "signals" },
  },
};
const SCENES = {
  overview: ["总览", "Overview"], live: ["话务", "Live load"], loop: ["点派评", "The loop"], hot: ["民情", "Topics"], lifeline: ["一键通", "Lifeline"],
  gig: ["零工", "Gig market"], enterprise: ["企业", "Enterprise"], talent: ["人才", "Talent"], community: ["社区", "Community"], quality: ["智能质量", "AI and quality"],
};
// The city's lists in which a column's codes are named, and the stages of a ticket.
const LISTS = { board: "boards", area: "areas", service: "services", channel: "channels", line: "lines", module: "modules", org: "orgs", item: "items", topic: "topics" };
const STAGES = { open: ["受理", "opened"], dispatch: ["派单", "sent on"], accept: ["签收", "accepted"], finish: ["办结", "finished"], visit: ["回访", "called back"], rate: ["评价", "rated"] };
const BOARDS = { life: "#ffb84d", volunteer: "#ff6b81", enterprise: "#5aa9ff", government: "#45d6a8" };
// A number whose latest event is older than this is late.
const LATE_S = 120;
const SHOWN_ROWS = 20;

const $ = (id) => document.getElementById(id);
const el = (tag, attributes = {}, ...children) => {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name === "class") node.className = value;
    else if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (value !== undefined && value !== null) node.setAttribute(name, value);
  }
  node.append(...children.filter((child) => child !== null && child !== undefined));
  return node;
};

const asked = new URLSearchParams(location.search).get("lang");
const state = {
  lang: asked || localStorage.getItem("lingping-lang") || "zh", city: null, tick: null, socket: null, connected: false, retries: 0, clockOffset: 0, health: null,
  scenes: [], modes: ["lobby", "brief", "ops"], langs: ["zh", "en"], told: {}, metrics: [], problems: [], group: null, search: "", open: null,
  results: new Map(), pictureAt: 0, pictureUrl: null, cells: new Map(),
};
if (!WORDS[state.lang]) state.lang = "zh";
const t = (key) => WORDS[state.lang][key] ?? key;
const zone = () => state.city?.tz;

// ---- figures -------------------------------------------------------------------------------------------------

function number(value) {
  if (typeof value !== "number") return String(value);
  const digits = Number.isInteger(value) ? 0 : Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 10 ? 1 : 2;
  return value.toLocaleString("en-US", { maximumFractionDigits: digits });
}
function moment(us, withDay) {
  if (us === null || us === undefined) return "—";
  const options = { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23", timeZone: zone() };
  if (withDay) Object.assign(options, { year: "numeric", month: "2-digit", day: "2-digit" });
  return new Date(us / 1000).toLocaleString(state.lang === "zh" ? "zh-CN" : "en-GB", options);
}
function span(seconds) {
  const s = Math.max(0, Math.round(seconds));
  const [amount, unit] = s < 90 ? [s, "second"] : s < 5400 ? [Math.round(s / 60), "minute"] : s < 172800 ? [Math.round(s / 3600), "hour"] : [Math.round(s / 86400), "day"];
  return state.lang === "zh" ? `${amount} ${t(unit)}` : `${amount} ${t(unit)}`;
}
const ago = (seconds) => (state.lang === "zh" ? `${span(seconds)}${t("ago")}` : `${span(seconds)} ${t("ago")}`);
const nowUs = () => (Date.now() + state.clockOffset) * 1000;
function cell(value, type) {
  if (value === null || value === undefined) return "—";
  if (type.startsWith("Timestamp")) return moment(value, true);
  if (typeof value === "boolean") return value ? "✓" : "–";
  return typeof value === "number" ? number(value) : String(value);
}
function named(column, value) {
  const zh = state.lang === "zh";
  if (column.name === "stage") return STAGES[value]?.[zh ? 0 : 1] ?? value;
  const known = state.city?.[LISTS[column.name]]?.find((one) => one.code === value);
  return known ? (zh ? known.zh : known.en) : value;
}
const info = (metric, key) => metric.info[`${key}_${state.lang}`] || metric.info[`${key}_zh`] || metric.info[key] || "";

// ---- the socket ----------------------------------------------------------------------------------------------

function connect() {
  const socket = new WebSocket(`${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/ws`);
  socket.binaryType = "arraybuffer";
  state.socket = socket;
  socket.onopen = () => {
    state.connected = true;
    send({ type: "hello", client: "page" });
    watch();
    subscribe();
    showLink();
  };
  socket.onmessage = (event) => (typeof event.data === "string" ? hear(JSON.parse(event.data)) : picture(event.data));
  socket.onclose = () => {
    state.connected = false;
    state.retries += 1;
    showLink();
    // Full jitter, so that many pages do not come back at once.
    setTimeout(connect, Math.random() * Math.min(15000, 500 * 2 ** Math.min(state.retries, 6)));
  };
}
function send(message) {
  if (state.socket?.readyState === WebSocket.OPEN) state.socket.send(JSON.stringify(message));
}
// The wall draws for us only while somebody looks at this page.
function watch() {
  send({ type: "watch", fps: document.hidden ? 0 : 4 });
}
function subscribe() {
  const names = new Set(shownMetrics().map((metric) => metric.name));
  if (state.metrics.some((metric) => metric.name === "feeds_now")) names.add("feeds_now");
  send({ type: "subscribe", metrics: document.hidden ? [] : [...names].slice(0, 256).map((name) => ({ name })) });
}
function hear(message) {
  if (message.type === "welcome") {
    state.retries = 0;
    state.city = message.city;
    state.clockOffset = message.now / 1000 - Date.now();
    showCity();
  } else if (message.type === "tick") {
    state.tick = message;
    state.clockOffset = message.now / 1000 - Date.now();
    showLink();
  } else if (message.type === "result") {
    state.results.set(message.metric, message);
    if (message.metric === "feeds_now") showFeeds(message);
    const metric = state.metrics.find((known) => known.name === message.metric);
    if (metric && state.cells.has(metric.name)) fill(metric);
  }
}
function picture(buffer) {
  const length = new DataView(buffer).getUint32(0, true);
  const url = URL.createObjectURL(new Blob([buffer.slice(4 + length)], { type: "image/jpeg" }));
  const image = $("frame");
  image.onload = () => {
    if (state.pictureUrl && state.pictureUrl !== url) URL.revokeObjectURL(state.pictureUrl);
    state.pictureUrl = url;
  };
  image.src = url;
  state.pictureAt = Date.now();
  showPicture();
}

// ---- what is shown -------------------------------------------------------------------------------------------

function showWords() {
  document.documentElement.lang = state.lang === "zh" ? "zh-CN" : "en";
  for (const node of document.querySelectorAll("[data-t]")) node.textContent = t(node.dataset.t);
  for (const node of document.querySelectorAll("[data-label]")) node.setAttribute("aria-label", t(node.dataset.label));
  for (const node of document.querySelectorAll("[data-placeholder]")) node.placeholder = t(node.dataset.placeholder);
  $("lang").textContent = t("other");
  $("lang").lang = state.lang === "zh" ? "en" : "zh-CN";
  $("demo").textContent = t("demo");
  showCity();
  showLink();
  showRemote();
  showHealth();
  showMetrics();
  const feeds = state.results.get("feeds_now");
  if (feeds) showFeeds(feeds);
}
function showCity() {
  if (!state.city) return;
  const zh = state.lang === "zh";
  $("title").textContent = (zh ? state.city.title_zh : state.city.title_en) || state.city.title_zh;
  $("motto").textContent = zh ? state.city.motto_zh : state.city.motto_en;
  document.title = `${$("title").textContent} · 灵屏`;
}
function showLink() {
  const link = $("link");
  const tick = state.tick;
  let [kind, text] = ["", t("connecting")];
  if (!state.connected && state.retries > 0) [kind, text] = ["bad", t("lost")];
  else if (state.connected && tick) {
    const age = tick.data_until === null ? null : (tick.now - tick.data_until) / 1e6;
    if (tick.status !== "ok") [kind, text] = ["bad", tick.message || t("readOnly")];
    else if (age === null) [kind, text] = ["late", t("noFeeds")];
    else if (age > LATE_S) [kind, text] = ["late", `${t("late")} · ${ago(age)}`];
    else [kind, text] = ["good", `${t("live")} · ${t("until")} ${moment(tick.data_until)}`];
  }
  link.className = `status ${kind}`;
  link.textContent = text;
  $("demo").hidden = !tick?.demo;
  $("clock").textContent = tick ? moment(nowUs()) : "";
  showPicture();
}
function showPicture() {
  const seen = state.pictureAt > 0;
  const walls = state.health?.walls ?? 0;
  $("frame").hidden = !seen;
  $("frame").alt = t("wall");
  $("no-picture").hidden = seen;
  $("picture").classList.toggle("aged", seen && (Date.now() - state.pictureAt > 15000 || !state.connected));
  $("no-picture").textContent = walls > 0 ? t("noPicture") : `${t("noWall")}${location.host}/ws`;
}
function pick(box, values, label, kind, chosen) {
  box.replaceChildren(...values.map((value) => el("button", {
    type: "button", class: "chip", role: "radio", "aria-checked": String(state.told[kind] === value.name || chosen === value.name),
    onclick: () => { state.told[kind] = value.name; control({ [kind]: value.name }); },
  }, label(value))));
}
function control(change) {
  send({ type: "control", ...change });
  $("told").textContent = `${t("told")} · ${moment(nowUs())}`;
  showRemote();
}
function showRemote() {
  pick($("scenes"), state.scenes, (scene) => (state.lang === "zh" ? scene.tab_zh : scene.tab_en), "scene");
  if (state.scenes.length === 0) $("scenes").replaceChildren(el("span", { class: "note" }, t("noScene")));
  pick($("modes"), state.modes.map((name) => ({ name })), (mode) => t("modes")[mode.name] ?? mode.name, "mode");
  pick($("langs"), state.langs.map((name) => ({ name })), (lang) => t("langs")[lang.name] ?? lang.name, "lang");
  $("freeze").setAttribute("aria-pressed", String(Boolean(state.told.freeze)));
}
function pairs(box, entries) {
  box.replaceChildren(...entries.filter(([, value]) => value !== undefined && value !== null && value !== "").flatMap(([name, value]) => [el("dt", {}, name), el("dd", {}, value)]));
}
function showHealth() {
  const health = state.health;
  if (!health) return;
  const good = health.status === "ok";
  $("health-state").className = `status ${good ? "good" : "bad"}`;
  $("health-state").textContent = good ? t("ok") : t("readOnly");
  const streams = Object.entries(health.rows ?? {}).filter(([, rows]) => rows > 0);
  pairs($("health"), [
    [t("until"), moment(health.data_until_us, true)],
    ...streams.map(([name, rows]) => [t("streams")[name] ?? name, number(rows)]),
    [t("dup"), health.duplicates ? number(health.duplicates) : null],
    [t("quarantined"), health.quarantined ? number(health.quarantined) : null],
    [t("waiting"), health.waiting ? number(health.waiting) : null],
    [t("uptime"), span(health.uptime_s)],
    [t("version"), health.hub],
  ]);
  $("about").textContent = `灵屏 Lingping ${health.hub ?? ""}`;
}
function showFeeds(result) {
  const at = (name) => result.columns.findIndex((column) => column.name === name);
  const [src, last] = [at("src"), at("last_ts")];
  if (src < 0) return;
  const items = result.rows.map((row) => {
    const age = last >= 0 && row[last] !== null ? (nowUs() - row[last]) / 1e6 : null;
    // How often a source has something to say is not known here: an old event is no fault, only no sign of life.
    const kind = age !== null && age <= LATE_S ? "good" : "";
    return el("li", {}, el("b", {}, String(row[src] ?? "—")), el("span", { class: `status ${kind}` }, age === null ? "—" : ago(age)), el("small", {}, last >= 0 ? moment(row[last], true) : ""));
  });
  $("feeds").replaceChildren(...(items.length ? items : [el("li", { class: "note" }, t("noFeeds"))]));
}

// ---- metrics -------------------------------------------------------------------------------------------------

function shownMetrics() {
  const wanted = state.search.trim().toLowerCase();
  if (wanted) return state.metrics.filter((metric) => `${metric.name} ${Object.values(metric.info).join(" ")}`.toLowerCase().includes(wanted));
  return state.metrics.filter((metric) => metric.scene === state.group);
}
function sceneName(name) {
  const scene = state.scenes.find((known) => known.name === name);
  if (scene) return state.lang === "zh" ? scene.tab_zh : scene.tab_en;
  return SCENES[name]?.[state.lang === "zh" ? 0 : 1] ?? name;
}
function showMetrics() {
  const groups = [...new Set(state.metrics.map((metric) => metric.scene))];
  if (!groups.includes(state.group)) state.group = groups.includes("overview") ? "overview" : groups[0];
  $("groups").replaceChildren(...groups.map((name) => el("button", {
    type: "button", class: "chip", role: "radio", "aria-checked": String(!state.search && name === state.group),
    onclick: () => { state.group = name; state.search = ""; $("search").value = ""; state.open = null; showMetrics(); subscribe(); },
  }, `${sceneName(name)} ${state.metrics.filter((metric) => metric.scene === name).length}`)));
  $("problems").hidden = state.problems.length === 0;
  $("problems").replaceChildren(...state.problems.slice(0, 12).map((problem) => el("li", {}, `${problem.file}:${problem.line}:${problem.column} ${problem.message}`)));
  state.cells.clear();
  const shown = shownMetrics();
  $("metrics").replaceChildren(...shown.map((metric) => {
    const box = el("article", { class: "metric" });
    state.cells.set(metric.name, box);
    return box;
  }));
  shown.forEach(fill);
}
function column(result, name) {
  return result.columns.findIndex((known) => known.name === name);
}
function headline(metric, result) {
  const unit = info(metric, "unit");
  if (!result) return el("div", { class: "value none" }, "…");
  if (result.rows.length === 0) return el("div", { class: "value none" }, t("none"));
  if (result.rows.length > 1) return null;
  const row = result.rows[0];
  const main = Math.max(0, column(result, "value"));
  const [k, n] = [column(result, "k"), column(result, "n")];
  // A rate of a small sample is no rate: its counts are shown.
  if (k >= 0 && n >= 0 && row[n] !== null && row[n] < 30 && result.columns[main].name === "value") {
    return el("div", { class: "value", title: t("few") }, `${number(row[k] ?? 0)} / ${number(row[n])}`);
  }
  const value = row[main];
  if (value === null) return el("div", { class: "value none" }, "—");
  // A numerator and a denominator beside a value between 0 and 1 make it a rate.
  const isShare = k >= 0 && n >= 0 && typeof value === "number" && value >= 0 && value <= 1 && result.columns[main].name === "value";
  const text = isShare ? (value * 100).toLocaleString("en-US", { minimumFractionDigits: 1, maximumFractionDigits: 1 }) : cell(value, result.columns[main].type);
  return el("div", { class: "value" }, text, isShare ? el("small", {}, "%") : unit ? el("small", {}, unit) : null);
}
function others(result) {
  if (!result || result.rows.length !== 1) return null;
  const main = Math.max(0, column(result, "value"));
  const rest = result.columns.map((known, at) => [known, result.rows[0][at], at]).filter(([, , at]) => at !== main);
  if (rest.length === 0) return null;
  return el("div", { class: "more" }, ...rest.slice(0, 5).map(([known, value]) => el("span", {}, `${known.name} `, el("b", {}, cell(value, known.type)))));
}
function list(result) {
  if (!result || result.rows.length < 2) return null;
  const numeric = result.columns.map((known, at) => [known, at]).filter(([known]) => /^(U?Int|Float)/.test(known.type) && !["minute", "rank"].includes(known.name));
  const minute = column(result, "minute");
  if (result.rows.length >= 12 && numeric.length > 0 && minute >= 0) return spark(series(result, minute, numeric));
  const words = result.columns.findIndex((known, at) => known.name === (state.lang === "zh" ? "zh" : "en") || (at === 0 && !result.columns.some((other) => other.name === "zh")));
  const amount = numeric.find(([known]) => known.name === "n" || known.name === "value") ?? numeric[0];
  return el("div", { class: "more" }, ...result.rows.slice(0, 8).map((row) => el("span", {}, `${cell(named(result.columns[Math.max(0, words)], row[Math.max(0, words)]), result.columns[Math.max(0, words)].type)} `, amount ? el("b", {}, cell(row[amount[1]], amount[0].type)) : null)));
}
// The lines of a curve: one a group where a column names groups, else the first two figures (the second is the earlier one).
function series(result, minute, numeric) {
  const group = result.columns.findIndex((known, at) => at !== minute && LISTS[known.name]);
  if (group < 0) return numeric.slice(0, 2).map(([, at], index) => ({ values: result.rows.map((row) => row[at]), before: index > 0 }));
  const names = [...new Set(result.rows.map((row) => row[group]))].slice(0, 8);
  return names.map((name) => ({ values: result.rows.filter((row) => row[group] === name).map((row) => row[numeric[0][1]]), colour: BOARDS[name] }));
}
function spark(lines) {
  const make = (tag, attributes) => {
    const node = document.createElementNS("http://www.w3.org/2000/svg", tag);
    for (const [name, value] of Object.entries(attributes)) if (value) node.setAttribute(name, value);
    return node;
  };
  const svg = make("svg", { class: "spark", viewBox: "0 0 100 30", preserveAspectRatio: "none", "aria-hidden": "true" });
  const most = Math.max(1e-9, ...lines.flatMap((line) => line.values.map((value) => value ?? 0)));
  for (const line of [...lines].reverse()) {
    let path = "";
    let pen = "M";
    line.values.forEach((value, x) => {
      // A gap stays a gap: missing is not zero.
      if (value === null || value === undefined) { pen = "M"; return; }
      path += `${pen}${(x / Math.max(1, line.values.length - 1) * 100).toFixed(2)} ${(29 - value / most * 27).toFixed(2)}`;
      pen = "L";
    });
    const drawn = make("path", { d: path, class: line.before ? "before" : "" });
    if (line.colour) drawn.style.stroke = line.colour;
    svg.append(drawn);
  }
  return svg;
}
function fill(metric) {
  const box = state.cells.get(metric.name);
  if (!box) return;
  const result = state.results.get(metric.name);
  const open = state.open === metric.name;
  const button = el("button", { type: "button", "aria-expanded": String(open), onclick: () => { state.open = open ? null : metric.name; for (const known of shownMetrics()) fill(known); } },
    el("h3", {}, info(metric, "title") || metric.name, el("small", {}, info(metric, "window"))),
    headline(metric, result), others(result), list(result),
    result?.error ? el("p", { class: "failed" }, result.error) : null);
  const focused = box.contains(document.activeElement) && document.activeElement === box.firstElementChild;
  const scrolled = box.querySelector("pre")?.scrollTop ?? 0;
  // Replacing what somebody reads or selects would take it away from them.
  if (open && box.classList.contains("open")) {
    box.firstElementChild.replaceWith(button);
    box.querySelector(".facts")?.replaceWith(facts(metric, result));
    const rows = table(result);
    const before = box.querySelector(".rows");
    if (before && rows) before.replaceChildren(...rows.childNodes);
  } else {
    box.replaceChildren(button, ...(open ? [explain(metric, result)] : []));
  }
  box.classList.toggle("open", open);
  if (focused) box.firstElementChild.focus();
  const pre = box.querySelector("pre");
  if (pre) pre.scrollTop = scrolled;
}
function facts(metric, result) {
  const box = el("dl", { class: "facts" });
  const n = result && result.rows.length === 1 ? column(result, "n") : -1;
  pairs(box, [
    [t("basis"), metric.info.basis], [t("window"), info(metric, "window")], [t("source"), metric.info.source],
    [t("sample"), n >= 0 ? cell(result.rows[0][n], "Int64") : null], [t("target"), metric.info.target],
    [t("asOf"), result ? moment(result.as_of, true) : null], [t("until"), result ? moment(result.data_until, true) : null],
    [t("refresh"), metric.info.refresh ?? `${metric.refresh_ms} ms`], [t("audience"), metric.info.audience], [t("systems"), metric.info.systems],
    [t("note"), metric.info.note], [t("name"), metric.name],
  ]);
  return box;
}
function explain(metric, result) {
  const copy = el("button", { type: "button", class: "plain", onclick: async () => {
    try { await navigator.clipboard.writeText(metric.sql); copy.textContent = t("copied"); } catch { copy.textContent = "—"; }
  } }, t("copy"));
  const rows = table(result);
  return el("div", { class: "explain" }, facts(metric, result), el("div", { class: "sql" }, el("pre", { tabindex: "0" }, metric.sql), copy), rows);
}
function table(result) {
  if (!result || result.rows.length === 0) return null;
  const isNumber = result.columns.map((known) => /^(U?Int|Float|Timestamp)/.test(known.type));
  const rest = result.rows.length - SHOWN_ROWS;
  return el("div", { class: "rows" }, el("table", {},
    el("thead", {}, el("tr", {}, ...result.columns.map((known) => el("th", { scope: "col" }, known.name)))),
    el("tbody", {}, ...result.rows.slice(0, SHOWN_ROWS).map((row) => el("tr", {}, ...row.map((value, at) => el("td", isNumber[at] ? { class: "number" } : {}, cell(value, result.columns[at].type))))))),
  rest > 0 ? el("p", { class: "note" }, t("more").replace("{n}", number(rest))) : null);
}

// ---- start ---------------------------------------------------------------------------------------------------

async function fetchJson(path) {
  const response = await fetch(path, { cache: "no-store" });
  return response.json();
}
async function refreshHealth() {
  try { state.health = await fetchJson("/healthz"); } catch { return; }
  showHealth();
  showPicture();
}
async function refreshCatalog() {
  try {
    const [catalog, scenes] = await Promise.all([fetchJson("/api/metrics"), fetchJson("/api/scenes")]);
    const before = JSON.stringify([state.metrics, state.problems, state.scenes]);
    Object.assign(state, { metrics: catalog.metrics, problems: catalog.problems, scenes: scenes.scenes, modes: scenes.modes, langs: scenes.langs });
    if (JSON.stringify([state.metrics, state.problems, state.scenes]) === before) return;
  } catch { return; }
  showRemote();
  showMetrics();
  subscribe();
}

$("lang").addEventListener("click", () => {
  state.lang = state.lang === "zh" ? "en" : "zh";
  localStorage.setItem("lingping-lang", state.lang);
  showWords();
});
$("freeze").addEventListener("click", () => { state.told.freeze = !state.told.freeze; control({ freeze: state.told.freeze }); });
$("picture").addEventListener("click", () => (document.fullscreenElement ? document.exitFullscreen() : state.pictureAt > 0 ? $("picture").requestFullscreen?.() : undefined));
let typing = 0;
$("search").addEventListener("input", () => {
  clearTimeout(typing);
  typing = setTimeout(() => { state.search = $("search").value; state.open = null; showMetrics(); subscribe(); }, 200);
});
document.addEventListener("visibilitychange", () => { watch(); subscribe(); if (!document.hidden) refreshHealth(); });

showWords();
connect();
refreshHealth();
refreshCatalog();
setInterval(() => { if (!document.hidden) showLink(); }, 1000);
setInterval(() => { if (!document.hidden) refreshHealth(); }, 5000);
setInterval(() => { if (!document.hidden) refreshCatalog(); }, 30000);
