// Keys, live lists and the choice of theme. Every page works without this file.
(() => {
  "use strict";
  const root = document.documentElement;
  root.classList.add("js");
  const $ = (selector, within = document) => within.querySelector(selector);
  const all = (selector, within = document) => [...within.querySelectorAll(selector)];
  const store = {
    get: (name) => { try { return localStorage.getItem(name); } catch { return null; } },
    set: (name, value) => { try { localStorage.setItem(name, value); } catch { /* a browser that keeps nothing */ } },
  };

  // Theme: before the first paint, so that a dark page does not flash.
  const THEMES = ["auto", "light", "dark"];
  let theme = THEMES.includes(store.get("tocsin-theme")) ? store.get("tocsin-theme") : "auto";
  const showTheme = () => {
    if (theme === "auto") delete root.dataset.theme;
    else root.dataset.theme = theme;
    all("[data-theme-name]").forEach((word) => { word.hidden = word.dataset.themeName !== theme; });
  };
  showTheme();
  const nextTheme = () => {
    theme = THEMES[(THEMES.indexOf(theme) + 1) % THEMES.length];
    store.set("tocsin-theme", theme);
    showTheme();
  };

  // The list and the row that keys act on. Focus is the selection, so that a screen reader follows.
  let currentId = null;
  const rows = () => all("#rows > .row");
  const rowOf = (element) => element?.closest?.("#rows > .row") ?? null;
  const currentRow = () => rowOf(document.activeElement) ?? (currentId && document.getElementById(currentId));
  const focusRow = (row) => {
    if (!row) return;
    currentId = row.id;
    $(".title", row).focus({ preventScroll: true });
    row.scrollIntoView({ block: "nearest" });
  };
  const step = (by) => {
    const list = rows();
    const at = list.indexOf(currentRow());
    focusRow(list[at < 0 ? (by > 0 ? 0 : list.length - 1) : Math.min(Math.max(at + by, 0), list.length - 1)]);
  };
  document.addEventListener("focusin", (event) => {
    const row = rowOf(event.target);
    if (row) currentId = row.id;
  });
  const item = () => $("#item");
  const scope = () => item() ?? currentRow();
  const press = (selector) => {
    const button = scope() && $(selector, scope());
    if (button) button.click();
    return Boolean(button);
  };

  // Closing from a list or an item: one dialog, filled in with what it is about.
  const dismissForm = () => $("#dismiss-form");
  const aimDismiss = () => {
    const about = scope();
    const form = dismissForm();
    if (!about || !form || !$("[data-verb=dismiss], [data-verb=close]", about)) return false;
    const address = `/items/${about.dataset.item}/close`;
    form.action = address;
    form.setAttribute("hx-post", address);
    form.setAttribute("hx-target", `#${about.id}`);
    form.setAttribute("hx-swap", "outerMorph");
    $("#dismiss-reason").value = "";
    window.htmx?.process(form, true);
    return true;
  };
  const openDismiss = () => {
    if (!aimDismiss()) return;
    $("#dismiss-dialog").showModal();
    $("[data-choice='1']").focus();
  };
  const closeAs = (disposition) => {
    if (aimDismiss()) dismissForm().requestSubmit($(`[value=${disposition}]`, dismissForm()));
  };

  // Keys. They never act while a person types, and can be switched off (WCAG 2.1.4).
  const keysOn = () => store.get("tocsin-keys") !== "off";
  const types = (element) => element?.closest?.("input, textarea, select, [contenteditable]");
  let chord = 0;
  const go = (address) => { location.assign(address); };
  const openCurrent = () => { const row = currentRow(); if (row) $(".title", row).click(); };
  const KEYS = {
    j: () => step(1),
    k: () => step(-1),
    o: openCurrent,
    Enter: openCurrent,
    c: () => { press("[data-verb=claim]") || press("[data-verb=release]"); },
    1: () => closeAs("answered"),
    2: () => closeAs("duplicate"),
    3: openDismiss,
    w: () => {
      const why = $("[data-why]");
      if (!why) { const row = currentRow(); if (row) go(`${$(".title", row).href}?why=1#why`); return; }
      why.open = !why.open;
      if (why.open) { $("summary", why).focus({ preventScroll: true }); why.scrollIntoView({ block: "start" }); }
    },
    n: () => {
      const note = $("#note");
      if (note) { note.focus(); note.scrollIntoView({ block: "center" }); return; }
      const row = currentRow();
      if (row) go(`${$(".title", row).href}#note`);
    },
    v: () => { if (item()) $("[data-original]")?.click(); else openCurrent(); },
    z: () => { const undo = $("[data-undo]")?.form ?? $("#undo-form"); undo?.requestSubmit(); },
    ".": () => poll(true),
    "?": () => $("#help-dialog")?.showModal(),
  };
  KEYS.u = KEYS.z;
  const CHORDS = { q: "/queues", m: "/mine", s: "/sources" };

  const onKey = (event) => {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    if (!keysOn() || types(event.target)) return;
    const dialog = $("dialog[open]");
    if (dialog) {
      const choice = dialog.id === "dismiss-dialog" && /^[1-9]$/.test(event.key) && $(`[data-choice='${event.key}']`, dialog);
      if (choice) { event.preventDefault(); choice.click(); }
      return;
    }
    if (event.key === "Escape") {
      if ($(":popover-open")) return;
      const back = $("[data-back]");
      if ($(".message")) $("#messages").replaceChildren();
      else if (back) back.click();
      else document.activeElement?.blur();
      return;
    }
    // Enter belongs to whatever has the focus; only without focus does it open the row that keys act on.
    if (event.key === "Enter" && document.activeElement !== document.body) return;
    if (chord && event.key in CHORDS) {
      clearTimeout(chord);
      chord = 0;
      event.preventDefault();
      go(CHORDS[event.key]);
      return;
    }
    if (event.key === "g") { chord = setTimeout(() => { chord = 0; }, 1500); return; }
    const act = Object.hasOwn(KEYS, event.key) && KEYS[event.key];
    if (act) { event.preventDefault(); act(); }
  };

  // The live list: asks every 2 s while it is seen, every 30 s while it is not or when the last answers failed.
  const SEEN = 2000, UNSEEN = 30000, STALE = 60000;
  let tag = "", forced = false, failures = 0, answeredAt = Date.now(), timer = 0;
  const live = () => $("#live");
  const poll = (force = false) => {
    if (!live()) { if (force) location.reload(); return; }
    if (force) forced = true;
    clearTimeout(timer);
    window.htmx?.trigger(live(), "tocsin:poll");
    timer = setTimeout(poll, document.hidden || failures > 2 ? UNSEEN : SEEN);
  };
  const showConnection = () => {
    const place = $("#connection");
    if (!place || !live()) return;
    const age = Date.now() - answeredAt;
    place.hidden = failures < 2 && age < STALE;
    if (!place.hidden) place.textContent = place.dataset.words.replace("{}", Math.round(age / 1000));
  };
  const isPoll = (event) => event.detail?.ctx?.sourceElement === live();

  document.addEventListener("htmx:config:request", (event) => {
    if (!isPoll(event) || !tag || forced) return;
    // Sent by hand: then fetch leaves the cache alone and shows us the 304.
    event.detail.ctx.request.headers["If-None-Match"] = tag;
  });
  document.addEventListener("htmx:after:request", (event) => {
    if (!isPoll(event)) return;
    const { status, headers } = event.detail.ctx.response;
    if (status === 200 || status === 304) { failures = 0; answeredAt = Date.now(); tag = headers.get("ETag") ?? ""; }
    else failures += 1;
    showConnection();
  });
  document.addEventListener("htmx:error", (event) => {
    if (isPoll(event)) { failures += 1; showConnection(); return; }
    showTrouble();
  });
  const showTrouble = () => {
    const place = $("#messages");
    if (place) place.replaceChildren($("#trouble").content.cloneNode(true));
  };

  // Rows must not move under a person who is reading or choosing: new ones wait behind a button.
  const holdBack = (fragment) => {
    const fresh = all("li.row", fragment).filter((row) => !document.getElementById(row.id));
    const button = $("#fresh");
    const busy = window.scrollY > 80 || rowOf(document.activeElement);
    if (forced || !busy || !rows().length || !fresh.length) { forced = false; button.hidden = true; return; }
    fresh.forEach((row) => row.remove());
    button.textContent = button.dataset.words.replace("{}", fresh.length);
    button.hidden = false;
  };
  let lostAt = -1;
  document.addEventListener("htmx:before:swap", (event) => {
    const { ctx, tasks } = event.detail;
    if (isPoll(event)) {
      if (ctx.response.status !== 200) { event.preventDefault(); return; }
      const main = tasks.find((task) => task.type === "main");
      if (main) holdBack(main.fragment);
    }
    lostAt = rows().indexOf(currentRow());
  });
  document.addEventListener("htmx:after:swap", (event) => {
    // What was sent is done; what was typed into other forms stays (morphing leaves fields alone).
    const { sourceElement, response } = event.detail.ctx;
    if (response?.status === 200 && sourceElement.matches?.("form")) sourceElement.reset();
    // The row that had the focus is gone (closed, or taken away by somebody): land on the one in its place.
    if (lostAt < 0 || document.activeElement !== document.body || (currentId && document.getElementById(currentId))) return;
    const list = rows();
    focusRow(list[Math.min(lostAt, list.length - 1)]);
  });
  document.addEventListener("tocsin:refresh", () => poll(true));

  // A message goes after ten seconds, unless a person is at it; trouble stays until the next message or Esc.
  let fading = 0;
  const fade = () => {
    clearTimeout(fading);
    fading = setTimeout(() => {
      if ($("#messages:is(:hover, :focus-within)")) fade();
      else if (!$("#messages .problem")) $("#messages").replaceChildren();
    }, 10000);
  };

  document.addEventListener("visibilitychange", () => { if (!document.hidden) poll(); });
  document.addEventListener("keydown", onKey);
  document.addEventListener("submit", (event) => {
    const dialog = event.target.closest("dialog");
    if (dialog && event.target.method === "post") dialog.close();
  });
  document.addEventListener("click", (event) => {
    const target = event.target.closest?.("[data-verb=dismiss], [data-theme-switch], [data-help], #fresh");
    if (!target || event.ctrlKey || event.metaKey || event.shiftKey) return;
    if (target.matches("[data-theme-switch]")) { nextTheme(); return; }
    event.preventDefault();
    if (target.id === "fresh") poll(true);
    else if (target.matches("[data-help]")) $("#help-dialog")?.showModal();
    else { currentId = rowOf(target)?.id ?? currentId; openDismiss(); }
  });
  document.addEventListener("change", (event) => {
    if (!event.target.matches("[data-keys-switch]")) return;
    store.set("tocsin-keys", event.target.checked ? "on" : "off");
    all("[data-keys-switch]").forEach((box) => { box.checked = event.target.checked; });
  });
  document.addEventListener("DOMContentLoaded", () => {
    all("[data-needs-script]").forEach((element) => { element.hidden = false; });
    all("[data-keys-switch]").forEach((box) => { box.checked = keysOn(); });
    showTheme();
    const messages = $("#messages");
    if (messages) { new MutationObserver(fade).observe(messages, { childList: true }); fade(); }
    if (location.hash === "#note") $("#note")?.focus();
    if (live()) { timer = setTimeout(poll, SEEN); setInterval(showConnection, 5000); }
  });
})();
