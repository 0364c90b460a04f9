// The hub's page: the wall's picture, the remote control, the feeds, and every metric with its definition.
// One WebSocket (docs/protocol.md); nothing is loaded from elsewhere, and text from outside is only ever text.
"use strict";

const WORDS = {
  zh: {
    other: "English", wall: "大屏画面", remote: "遥控", scene: "场景", mode: "模式", wallLang: "大屏语言", freeze: "定格", explain: "口径", pause: "停播",
    health: "运行状态", feeds: "数据来源", feedsNote: "最后一条事件", metrics: "指标", search: "按名称或口径查找",
    modes: { lobby: "大厅", brief: "汇报", ops: "值守" }, langs: { zh: "大屏中文", en: "大屏英文" },
    connecting: "连接中", live: "实时", lost: "连接中断，正在重连", late: "数据迟到", readOnly: "只读：不再收数据", ok: "正常",
    demo: "演示数据", replay: "回放", noWall: "没有大屏连接到这里\n\nlingping wall --hub ws://", noPicture: "大屏已连接，正在等待画面", noScene: "还没有场景文件",
    until: "数据截至", rows: "行", version: "版本", uptime: "已运行", city: "城市", dup: "重复", quarantined: "隔离", waiting: "待工单",
    basis: "口径", source: "来源", window: "时段", refresh: "刷新", asOf: "截至", sample: "样本", name: "名称", systems: "系统", target: "目标",
    audience: "面向", note: "说明", copy: "复制 SQL", copied: "已复制", all: "全部", none: "无数据", few: "样本少于 30，只列件数", told: "已告知大屏",
    ago: "前", second: "秒", minute: "分", hour: "小时", day: "天", noFeeds: "还没有收到数据", problem: "查询文件有误", more: "另有 {n} 行",
    streams: { contacts: "接触", tickets: "工单", seats: "坐席", registry: "台账", activities: "活动", signals: "信号" },
  },
  en: {
    other: "中文", wall: "The wall", remote: "Remote control", scene: "Scene", mode: "Mode", wallLang: "Language of the wall", freeze: "Freeze", explain: "How counted", pause: "Stay here",
    health: "Health", feeds: "Feeds", feedsNote: "latest event", metrics: "Metrics", search: "Find by name or definition",
    modes: { lobby: "Lobby", brief: "Briefing", ops: "Operations" }, langs: { zh: "Wall in Chinese", en: "Wall in English" },
    connecting: "connecting", live: "live", lost: "connection lost, trying again", late: "data is late", readOnly: "read-only: takes no data", ok: "good",
    demo: "Demo data", replay: "Replay", noWall: "No wall is connected here\n\nlingping wall --hub ws://", noPicture: "A wall is connected; waiting for its picture", noScene: "there are no scene files yet",
    until: "Data until", rows: "rows", version: "Version", uptime: "Up for", city: "City", dup: "duplicates", quarantined: "quarantined", waiting: "waiting for their ticket",
    basis: "Basis", source: "Source", window: "Window", refresh: "Refresh", asOf: "As of", sample: "Sample", name: "Name", systems: "Systems", target: "Target",
    audience: "Audience", note: "Note", copy: "Copy SQL", copied: "Copied", all: "All", none: "no data", few: "sample below 30: counts only", told: "The wall was told",
    ago: "ago", second: "s", minute: "min", hour: "h", day: "d", noFeeds: "nothing has come in yet", problem: "Query files with problems", more: "{n} more rows",
    streams: { contacts: "contacts", tickets: "tickets", seats: "seats", registry: "registry", activities: "activities", signals: "signals" },
  },
};
// What the wall is told by a button each: the picture stays, the panels say how they are counted, the scene stays.
const SWITCHES = ["freeze", "explain", "pause"];
const SCENES = {
  overview: ["总览", "Overview"], live: ["话务", "Live load"], loop: ["点派评", "The loop"], hot: ["民情", "Topics"], lifeline: ["一键通", "Lifeline"],
  gig: ["零工", "Gig market"], enterprise: ["企业", "Enterprise"], talent: ["人才", "Talent"], community: ["社区", "Community"], quality: ["智能质量", "AI and quality"],
};
// The city's lists in which a column's codes are named, and the stages of a ticket.
const LISTS = { board: "boards", area: "areas", service: "services", channel: "channels", line: "lines", module: "modules", org: "orgs", item: "items", topic: "topics" };
const STAGES = { open: ["受理", "opened"], dispatch: ["派单", "sent on"], accept: ["签收", "accepted"], propose: ["推荐", "proposed"], reach: ["联系到人", "reached"], onsite: ["到场", "on site"], grant: ["授信", "granted"], finish: ["办结", "finished"], visit: ["回访", "called back"], rate: ["评价", "rated"] };
// What the usual columns of metrics are called. A column that is not here stands under its own name; see `word`.
const COLUMNS = {
  value: ["数值", "value"], k: ["符合", "met"], n: ["数量", "count"], share: ["占比", "share"], rank: ["名次", "rank"], mean: ["平均", "mean"], p25: ["下四分位", "lower quartile"],
  p50: ["中位", "median"], p75: ["上四分位", "upper quartile"], p90: ["P90", "P90"], p95: ["P95", "P95"], longest: ["最长", "longest"], expected: ["通常", "usual"], lift: ["倍数", "times usual"],
  today: ["今日", "today"], yesterday: ["昨日同时", "yesterday by now"], yesterday_mean: ["昨日平均", "mean of yesterday"], last_week: ["上周同日", "a week ago"], week: ["近 7 日", "7 days"],
  baseline: ["期初", "opening balance"], counted: ["本系统计数", "counted here"], amount: ["金额", "amount"], overdue: ["已超时", "overdue"],
  opened: ["受理", "opened"], finished: ["办结", "finished"], open: ["在办", "open now"], replied: ["已答复", "answered"], visited: ["回访", "called back"], handoffs: ["转人工", "handed to a person"],
  offered: ["呼入", "offered"], arrived: ["呼入", "arrived"], answered: ["接起", "answered"], abandoned: ["放弃", "abandoned"], invalid: ["无效", "invalid"], planned: ["排班", "planned"], calls: ["来电", "calls"],
  value_15min: ["近 15 分钟", "15 minutes"], k_15min: ["近 15 分钟符合", "met, 15 minutes"], n_15min: ["近 15 分钟样本", "of, 15 minutes"], first_answer_min: ["首次响应 分钟", "first answer, min"], first_answer_n: ["首次响应样本", "cases of first answer"],
  talk_s: ["通话", "talk"], aht_s: ["处理时长", "handling"], talk_p90_s: ["通话 P90", "talk, P90"], longest_s: ["最长", "longest"], oldest_s: ["最久", "oldest"], age_s: ["已历时", "age"], left_s: ["剩余", "left"], p95_s: ["P95 等待", "P95 wait"],
  from_s: ["自", "from"], to_s: ["至", "to"], seconds: ["用时", "took"], mean_score: ["均分", "mean score"], mean_score_before: ["前 30 日均分", "mean score, 30 days before"], hiring: ["在招", "hiring"], seeking: ["在找", "looking"], posts: ["登记岗位", "posts"],
  people: ["人次", "people"], courses: ["课程", "courses"], hours: ["小时", "hours"], events: ["场次", "events"], matched: ["对接", "met"], volunteers: ["志愿者", "volunteers"], stock: ["在库", "in stock"], expired: ["已过期", "out of date"], added: ["新增", "added"],
  updated: ["更新", "updated"], removed: ["移除", "removed"], tagged: ["已分层", "with a tier"], sessions: ["场次", "sessions"], policies: ["政策", "policies"], viewers: ["观看人次", "viewers"], online: ["在线", "online"], peak: ["峰值", "peak"], questions: ["提问", "questions"],
  installed: ["已安装", "installed"], offline: ["离线", "offline"], offline_24h: ["离线超 24 小时", "offline over 24 h"], rows: ["行", "rows"], quarantined: ["隔离", "quarantined"], minute: ["时刻", "time of day"], day: ["日", "day"], year: ["年", "year"],
  ts: ["时间", "time"], last_ts: ["最近事件", "latest event"], last_recv: ["最近接收", "latest received"], due: ["到期", "due"], opened_at: ["受理时间", "opened at"], starts_at: ["开始", "starts"], started_at: ["开始", "started"], raised_at: ["发生", "raised"], last_at: ["最近", "latest"],
  id: ["编号", "number"], src: ["来源", "source"], source: ["从", "from"], target: ["到", "to"], kind: ["事件", "event"], state: ["状态", "state"], stage: ["环节", "stage"], type: ["类型", "type"], prio: ["优先级", "priority"], period: ["时段", "window"], what: ["项目", "what"],
  zh: ["名称", "name, Chinese"], en: ["英文名称", "name"], board: ["板块", "board"], area: ["区县", "district"], service: ["服务", "service"], channel: ["渠道", "channel"], line: ["专线", "line"], module: ["应用", "module"], org: ["单位", "unit"], item: ["项目", "item"], topic: ["事项", "topic"],
  trade: ["工种", "trade"], tier: ["层次", "tier"], grade: ["等级", "grade"], rating: ["评价", "rating"], sector: ["承办方", "sector"], outcome: ["结果", "outcome"], violation: ["违规", "violation"], rule: ["规则", "rule"], severity: ["级别", "severity"], colour: ["颜色", "colour"],
  actor: ["处理人", "who"], note: ["说明", "note"], demo: ["模拟", "simulated"],
};
// Codes that no list of the city names.
const CODES = {
  state: {
    waiting: ["待派单", "waiting"], sent: ["已派待收", "sent on"], working: ["办理中", "in work"], talk: ["通话", "talking"], ring: ["振铃", "ringing"], wrap: ["话后", "wrap-up"], ready: ["示闲", "ready"], login: ["示闲", "ready"], busy: ["示忙", "busy"],
    rest: ["小休", "break"], train: ["培训", "training"], logout: ["离线", "offline"], plan: ["离线", "offline"], raise: ["未确认", "raised"], ack: ["已确认", "acknowledged"], clear: ["已解除", "cleared"],
  },
  type: { ask: ["咨询", "enquiry"], help: ["求助", "help"], complain: ["投诉", "complaint"], report: ["举报", "report"], suggest: ["建议", "suggestion"], praise: ["表扬", "praise"], other: ["其他", "other"] },
  rating: { 1: ["很不满意", "very poor"], 2: ["不满意", "poor"], 3: ["基本满意", "fair"], 4: ["满意", "good"], 5: ["非常满意", "very good"] },
  period: { "15min": ["近 15 分钟", "15 minutes"], today: ["今日", "today"], "24h": ["连续 24 小时", "24 hours"] },
  what: { reject: ["退单", "rejected"], reopen: ["重办", "reopened"], finish: ["办结", "finished"], visit: ["回访", "called back"], satisfied: ["满意", "satisfied"] },
  sector: { gov: ["政府", "government"], market: ["市场", "market"], social: ["社会", "society"], other: ["其他", "other"] },
  outcome: { ok: ["已帮助", "helped"], false_alarm: ["误触", "false alarm"], rescued: ["获救", "rescued"], refused: ["婉拒", "refused"], unreachable: ["未联系上", "unreachable"], unknown: ["未注明", "not given"] },
  violation: { rude: ["态度", "rude"], promise: ["不当承诺", "promise"], secret: ["泄密", "secret"], slow: ["拖延", "slow"], other: ["其他", "other"] },
  tier: { "顶尖": ["顶尖", "top"], "特优": ["特优", "special"], "领军": ["领军", "leading"], "拔尖": ["拔尖", "outstanding"], "高层次": ["高层次", "high-level"], untagged: ["未分层", "no tier"] },
  colour: { red: ["红色", "red"], orange: ["橙色", "orange"], yellow: ["黄色", "yellow"], blue: ["蓝色", "blue"] },
  prio: { normal: ["普通", "normal"], urgent: ["紧急", "urgent"], emergency: ["危急", "emergency"] },
};
// Where a row stands in a curve, not a figure of it.
const AXES = ["minute", "day", "year", "rank", "from_s", "to_s", "rating"];
const STATISTIC = /^(mean|median|longest|p\d\d)$|_mean$/;
// Left out beside the figure: the other language, and the counts of a second rate.
const OTHER = { zh: /_en$|^[kn]_/, en: /_zh$|^[kn]_/ };
const BOARDS = { life: "#ffb84d", volunteer: "#ff6b81", enterprise: "#5aa9ff", government: "#45d6a8" };
// A number whose latest event is older than this is late.
const LATE_S = 120;
const SHOWN_ROWS = 20;
// Below this many cases a rate is no rate.
const FEW = 30;

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
  // What the picture says the wall shows, and when we last told it something.
  wall: {}, toldAt: 0,
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
// A measured time, finer than an age.
function lasting(seconds) {
  if (seconds < 0) return `−${lasting(-seconds)}`;
  if (seconds < 120) return `${number(seconds < 10 ? Math.round(seconds * 10) / 10 : Math.round(seconds))} ${t("second")}`;
  const units = [["day", 86400], ["hour", 3600], ["minute", 60], ["second", 1]];
  const at = units.findIndex(([, size]) => seconds >= size * 2 || size === 60);
  const [large, small] = [units[at], units[at + 1]];
  const whole = Math.round(seconds / small[1]);
  const each = large[1] / small[1];
  const rest = whole % each;
  return `${Math.floor(whole / each)} ${t(large[0])}${rest ? ` ${rest} ${t(small[0])}` : ""}`;
}
const percent = (value) => `${(value * 100).toLocaleString("en-US", { minimumFractionDigits: 1, maximumFractionDigits: 1 })}%`;
const ago = (seconds) => (state.lang === "zh" ? `${span(seconds)}${t("ago")}` : `${span(seconds)} ${t("ago")}`);
const nowUs = () => (Date.now() + state.clockOffset) * 1000;
function cell(value, type) {
  if (value === null || value === undefined) return "—";
  if (type.startsWith("Timestamp")) return moment(value, true);
  if (typeof value === "boolean") return value ? "✓" : "–";
  return typeof value === "number" ? number(value) : String(value);
}
// The name of a column, without what only tells two languages apart.
function word(result, name) {
  const zh = state.lang === "zh";
  if (name === "n" && column(result, "k") >= 0) return zh ? "样本" : "of";
  if (COLUMNS[name]) return COLUMNS[name][zh ? 0 : 1];
  const [, stem, suffix] = /^(.+)_(zh|en)$/.exec(name) ?? [];
  if (!COLUMNS[stem]) return name;
  return `${COLUMNS[stem][zh ? 0 : 1]}${suffix === state.lang ? "" : zh ? "（英文）" : " (Chinese)"}`;
}
function named(column, value) {
  const at = state.lang === "zh" ? 0 : 1;
  if (column.name === "stage") return STAGES[value]?.[at] ?? value;
  if (CODES[column.name]?.[value]) return CODES[column.name][value][at];
  const known = state.city?.[LISTS[column.name]]?.find((one) => one.code === value);
  return known ? (at === 0 ? known.zh : known.en) || known.zh : value;
}
// A share of something: so called, or with its numerator and denominator beside it.
function isShare(result, name) {
  const [, suffix] = /^value(_.*)?$/.exec(name) ?? [null, null];
  return name === "share" || (suffix !== null && column(result, `k${suffix ?? ""}`) >= 0 && column(result, `n${suffix ?? ""}`) >= 0);
}
const inSeconds = (metric, name) => /_s$/.test(name) || name === "seconds" || (STATISTIC.test(name) && metric.info.unit_en === "seconds");
// One value of a row as people read it.
function shown(metric, result, at, row) {
  const { name, type } = result.columns[at];
  const value = row[at];
  if (value === null || value === undefined) return "—";
  if (name === "year") return String(value);
  if (name === "minute" && typeof value === "number") return `${Math.floor(value / 60)}:${String(value % 60).padStart(2, "0")}`;
  if (typeof value === "number" && inSeconds(metric, name)) return lasting(value);
  if (typeof value === "number" && isShare(result, name) && value >= 0 && value <= 1) {
    const [k, n] = ["k", "n"].map((count) => column(result, name.replace(/^value/, count)));
    // A rate of a small sample is no rate: its counts are shown.
    return name !== "share" && row[n] < FEW ? `${number(row[k] ?? 0)} / ${number(row[n] ?? 0)}` : percent(value);
  }
  const text = cell(named(result.columns[at], value), type);
  return STATISTIC.test(name) && info(metric, "unit") && !/[,、]/.test(info(metric, "unit")) ? `${text} ${info(metric, "unit")}` : text;
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
  const { scene, mode, lang, freeze, explain, pause } = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 4, length)));
  const before = JSON.stringify(wallNow());
  state.wall = { scene, mode, lang, freeze, explain, pause };
  if (JSON.stringify(wallNow()) !== before) showRemote();
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
  // Simulated rows, and old ones with new times: no option leaves the mark out.
  const marks = ["demo", "replay"].filter((mark) => tick?.[mark]);
  $("demo").textContent = marks.map(t).join(" · ");
  $("demo").hidden = marks.length === 0;
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
// What the wall shows: what it says itself, or what it was told a moment ago or does not speak of.
function wallNow() {
  const fresh = Date.now() - state.toldAt < 3000;
  const now = {};
  for (const kind of ["scene", "mode", "lang", ...SWITCHES]) now[kind] = (fresh ? state.told[kind] : undefined) ?? state.wall[kind] ?? state.told[kind];
  return now;
}
function pick(box, values, label, kind) {
  const chosen = wallNow()[kind];
  const checked = (value) => String(chosen === value.name);
  // The same buttons stay, and with them the focus.
  if (box.children.length === values.length && values.every((value, at) => box.children[at].textContent === label(value))) {
    values.forEach((value, at) => box.children[at].setAttribute("aria-checked", checked(value)));
    return;
  }
  box.replaceChildren(...values.map((value) => el("button", {
    type: "button", class: "chip", role: "radio", "aria-checked": checked(value), onclick: () => control({ [kind]: value.name }),
  }, label(value))));
}
function control(change) {
  Object.assign(state.told, change);
  state.toldAt = Date.now();
  send({ type: "control", ...change });
  $("told").textContent = `${t("told")} · ${moment(nowUs())}`;
  showRemote();
}
function showRemote() {
  pick($("scenes"), state.scenes, (scene) => (state.lang === "zh" ? scene.tab_zh : scene.tab_en), "scene");
  if (state.scenes.length === 0) $("scenes").replaceChildren(el("span", { class: "note" }, t("noScene")));
  pick($("modes"), state.modes.map((name) => ({ name })), (mode) => t("modes")[mode.name] ?? mode.name, "mode");
  pick($("langs"), state.langs.map((name) => ({ name })), (lang) => t("langs")[lang.name] ?? lang.name, "lang");
  for (const kind of SWITCHES) $(kind).setAttribute("aria-pressed", String(Boolean(wallNow()[kind])));
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
// The column that is the figure: `value`, or the first that counts something.
function mainColumn(result) {
  const value = column(result, "value");
  if (value >= 0) return value;
  return Math.max(0, figures(result)[0] ?? 0);
}
const isNumber = (known) => /^(U?Int|Float|Decimal)/.test(known.type);
function figures(result) {
  return result.columns.map((known, at) => at).filter((at) => isNumber(result.columns[at]) && !AXES.includes(result.columns[at].name) && result.columns[at].name !== "stage");
}
function headline(metric, result) {
  if (!result) return el("div", { class: "value none" }, "…");
  if (result.rows.length === 0) return el("div", { class: "value none" }, t("none"));
  if (result.rows.length > 1) return null;
  const row = result.rows[0];
  const main = mainColumn(result);
  const { name } = result.columns[main];
  const [k, n] = [column(result, "k"), column(result, "n")];
  const rate = isShare(result, name) && name !== "share";
  if (rate && row[n] !== null && row[n] < FEW) return el("div", { class: "value", title: t("few") }, `${number(row[k] ?? 0)} / ${number(row[n])}`);
  const value = row[main];
  if (value === null) return el("div", { class: "value none" }, "—");
  const unit = info(metric, "unit");
  const what = name === "value" || name === "n" || word(result, name).startsWith(unit) ? null : word(result, name);
  if (inSeconds(metric, name)) return el("div", { class: "value" }, lasting(value), what ? el("small", {}, what) : null);
  if (rate) return el("div", { class: "value" }, percent(value).slice(0, -1), el("small", {}, "%"));
  // A unit of several things fits none of them alone.
  const after = [/[,、]/.test(unit) ? null : unit, what].filter(Boolean).join(" · ");
  return el("div", { class: "value" }, cell(value, result.columns[main].type), after ? el("small", {}, after) : null);
}
function others(metric, result) {
  if (!result || result.rows.length !== 1) return null;
  const main = mainColumn(result);
  const rest = result.columns.map((known, at) => at).filter((at) => at !== main && !OTHER[state.lang].test(result.columns[at].name));
  if (rest.length === 0) return null;
  return el("div", { class: "more" }, ...rest.slice(0, 5).map((at) => el("span", { title: result.columns[at].name }, `${word(result, result.columns[at].name)} `, el("b", {}, shown(metric, result, at, result.rows[0])))));
}
// What a row is about: its names in this language, its codes in words, or its first text.
function labelOf(metric, result, row) {
  const { columns } = result;
  const own = column(result, state.lang);
  if (own >= 0) return row[own] || row[column(result, "zh")] || "—";
  const [from, to] = [column(result, "from_s"), column(result, "to_s")];
  if (from >= 0 && to >= 0) return row[to] === null ? `≥ ${lasting(row[from])}` : `${row[to] < 120 ? row[from] : lasting(row[from])}–${lasting(row[to])}`;
  const [source, target] = [column(result, "source"), column(result, "target")];
  if (source >= 0 && target >= 0) return `${code(row[source])} → ${code(row[target])}`;
  const telling = columns.map((known, at) => at).filter((at) => {
    const { name } = columns[at];
    if (name.endsWith(`_${state.lang}`)) return !(name.startsWith("service_") && row[column(result, `topic_${state.lang}`)]);
    return (CODES[name] || LISTS[name] || name === "stage") && column(result, `${name}_zh`) < 0 && (columns.length <= 4 || !["state", "prio"].includes(name)) && !(name === "board" && columns.length > 4);
  });
  const words = telling.map((at) => named(columns[at], row[at])).filter((text) => text !== null && text !== "");
  if (words.length > 0) return words.join(" · ");
  const text = Math.max(0, columns.findIndex((known) => !isNumber(known)));
  return shown(metric, result, text, row);
}
// A code whose list is not said: the first that knows it.
function code(value) {
  for (const name of ["channel", "board", "sector", "rating", "org"]) {
    const text = named({ name }, value);
    if (text !== value) return text;
  }
  return String(value ?? "—");
}
function list(metric, result) {
  if (!result || result.rows.length < 2) return null;
  const numeric = figures(result);
  const axis = ["minute", "day", "year"].map((name) => column(result, name)).find((at) => at >= 0) ?? -1;
  if (axis >= 0 && numeric.length > 0) return spark(series(result, axis, numeric));
  const named = (name) => numeric.find((at) => result.columns[at].name === name);
  const rate = named("value") !== undefined && isShare(result, "value") ? named("value") : undefined;
  const amount = rate ?? named("p50") ?? named("n") ?? named("value") ?? numeric[0];
  const kind = column(result, "kind");
  // A line of the ticker says what happened.
  const figure = (row) => STAGES[row[kind]]?.[state.lang === "zh" ? 0 : 1] ?? (amount === undefined ? null : shown(metric, result, amount, row));
  return el("div", { class: "more" }, ...result.rows.slice(0, 8).map((row) => el("span", {}, `${labelOf(metric, result, row)} `, figure(row) === null ? null : el("b", {}, figure(row)))));
}
// The lines of a curve: one a group where a column names groups, else the first two figures (the second is the earlier one).
function series(result, axis, numeric) {
  const group = result.columns.findIndex((known, at) => at !== axis && LISTS[known.name]);
  const earlier = numeric.find((at) => ["last_week", "yesterday"].includes(result.columns[at].name)) ?? numeric[1];
  if (group < 0) return [numeric[0], earlier].filter((at) => at !== undefined).map((at, index) => ({ values: result.rows.map((row) => row[at]), before: index > 0 }));
  const names = [...new Set(result.rows.map((row) => row[group]))].slice(0, 8);
  return names.map((name) => ({ values: result.rows.filter((row) => row[group] === name).map((row) => row[numeric[0]]), colour: BOARDS[name] }));
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
    headline(metric, result), others(metric, result), list(metric, result),
    result?.error ? el("p", { class: "failed" }, result.error) : null);
  const focused = box.contains(document.activeElement) && document.activeElement === box.firstElementChild;
  const scrolled = box.querySelector("pre")?.scrollTop ?? 0;
  // Replacing what somebody reads or selects would take it away from them.
  if (open && box.classList.contains("open")) {
    box.firstElementChild.replaceWith(button);
    box.querySelector(".facts")?.replaceWith(facts(metric, result));
    const rows = table(metric, result);
    const before = box.querySelector(".rows");
    if (before && rows) before.replaceChildren(...rows.childNodes);
    else if (rows) box.querySelector(".explain")?.append(rows);
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
    [t("basis"), (state.lang === "zh" && metric.info.basis_zh) || metric.info.basis], [t("window"), info(metric, "window")], [t("source"), metric.info.source],
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
  const rows = table(metric, result);
  return el("div", { class: "explain" }, facts(metric, result), el("div", { class: "sql" }, el("pre", { tabindex: "0" }, metric.sql), copy), rows);
}
function table(metric, result) {
  if (!result || result.rows.length === 0) return null;
  const isFigure = result.columns.map((known) => isNumber(known) || known.type.startsWith("Timestamp"));
  const rest = result.rows.length - SHOWN_ROWS;
  return el("div", { class: "rows" }, el("table", {},
    el("thead", {}, el("tr", {}, ...result.columns.map((known) => el("th", { scope: "col", title: known.name }, word(result, known.name))))),
    el("tbody", {}, ...result.rows.slice(0, SHOWN_ROWS).map((row) => el("tr", {}, ...row.map((value, at) => el("td", isFigure[at] ? { class: "number" } : {}, shown(metric, result, at, row))))))),
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
for (const kind of SWITCHES) $(kind).addEventListener("click", () => control({ [kind]: !wallNow()[kind] }));
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
