// Enhancements of pages that work without it. Nothing here writes HTML or style attributes: CSP would stop both.
(() => {
  const root = document.documentElement;
  const $ = (selector, from = document) => from.querySelector(selector);
  const $$ = (selector, from = document) => [...from.querySelectorAll(selector)];
  const phone = window.matchMedia("(max-width: 760px)");

  // Choices kept for a year: theme at once, language with the page loaded again.
  const keep = (name, value) => {
    document.cookie = `${name}=${value};path=/;max-age=31536000;samesite=lax${location.protocol === "https:" ? ";secure" : ""}`;
  };
  document.addEventListener("click", (event) => {
    const link = event.target.closest("[data-choice]");
    if (!link) return;
    event.preventDefault();
    keep(link.dataset.choice, link.dataset.value);
    if (link.dataset.choice === "theme") {
      root.setAttribute("data-bs-theme", link.dataset.value);
      root.dispatchEvent(new CustomEvent("am:theme"));
      const other = $$("[data-choice=theme]").find((each) => each !== link);
      if (other) other.focus();
    } else {
      const url = new URL(location.href);
      url.searchParams.delete("lang");
      location.replace(url);
    }
  });

  // Menus: one open at a time, Esc and a click outside close; long lists get a field to narrow them.
  document.addEventListener("toggle", (event) => {
    const menu = event.target;
    if (!menu.matches?.("details.am-menu") || !menu.open) return;
    $$("details.am-menu[open]").filter((each) => each !== menu).forEach((each) => { each.open = false; });
    const list = $(".am-menu-list[data-find]", menu);
    if (!list || !list.dataset.find) return;
    if (!$("input", list)) narrow(list);
    $("input", list).focus();
  }, true);
  document.addEventListener("click", (event) => {
    $$("details.am-menu[open]").filter((each) => !each.contains(event.target)).forEach((each) => { each.open = false; });
  });
  const plain = (text) => text.normalize("NFD").replace(/[\u0300-\u036f]/g, "").replace(/đ/gi, "d").toLowerCase();
  const narrow = (list) => {
    const field = Object.assign(document.createElement("input"), { type: "search", className: "form-control", placeholder: list.dataset.find });
    field.setAttribute("aria-label", list.dataset.find);
    field.addEventListener("input", () => {
      const sought = plain(field.value);
      $$("li", list).forEach((item) => { item.hidden = !item.contains(field) && !plain(item.textContent).includes(sought); });
    });
    const item = document.createElement("li");
    item.append(field);
    list.prepend(item);
  };

  // Toasts leave after 6 s, but stay while hovered or focused.
  const watch = (toast) => {
    let timer = 0;
    const start = () => { timer = setTimeout(() => toast.remove(), 6000); };
    const stop = () => clearTimeout(timer);
    ["mouseenter", "focusin"].forEach((name) => toast.addEventListener(name, stop));
    ["mouseleave", "focusout"].forEach((name) => toast.addEventListener(name, start));
    start();
  };
  const said = new URL(location.href);
  if (said.searchParams.has("_said")) {
    said.searchParams.delete("_said");
    history.replaceState(history.state, "", said);
  }

  // Selecting rows.
  const boxes = () => $$("input[data-row]");
  let last = null;
  const count = () => {
    const chosen = boxes().filter((box) => box.checked);
    boxes().forEach((box) => box.closest("tr")?.setAttribute("aria-selected", box.checked));
    $$("[data-bulk]").forEach((bar) => {
      bar.classList.toggle("on", chosen.length > 0);
      const words = $("[data-text]", bar);
      words.textContent = words.dataset.text.replace("{n}", chosen.length);
    });
    $$("input[data-rows]").forEach((head) => {
      head.checked = chosen.length > 0 && chosen.length === boxes().length;
      head.indeterminate = chosen.length > 0 && !head.checked;
    });
  };
  const select = (box, on, range) => {
    const all = boxes();
    const from = range && last ? all.indexOf(last) : -1;
    const to = all.indexOf(box);
    const span = from < 0 ? [box] : all.slice(Math.min(from, to), Math.max(from, to) + 1);
    span.forEach((each) => { each.checked = on; });
    last = box;
    count();
  };
  const clear = () => { boxes().forEach((box) => { box.checked = false; }); count(); };
  document.addEventListener("click", (event) => {
    const box = event.target.closest("input[data-row]");
    if (box) select(box, box.checked, event.shiftKey);
    if (event.target.closest("[data-clear]")) clear();
    const opener = event.target.closest("[data-opens]");
    if (opener) document.getElementById(opener.dataset.opens)?.showModal();
  });
  document.addEventListener("change", (event) => {
    if (event.target.matches("input[data-rows]")) {
      boxes().forEach((box) => { box.checked = event.target.checked; });
      count();
    }
    if (event.target.matches("[data-keys-switch]")) localStorage.setItem("keys", event.target.checked ? "on" : "off");
    if (event.target.matches("[data-auto]")) event.target.form.requestSubmit();
  });

  // Keyboard (ui.md 5).
  let going = false;
  const rows = () => $$("tr[data-href]");
  const step = (by) => {
    const all = rows();
    if (!all.length) return;
    const at = all.findIndex((row) => row.classList.contains("cursor"));
    const next = all[Math.max(0, Math.min(all.length - 1, at < 0 ? 0 : at + by))];
    all[at]?.classList.remove("cursor");
    next.classList.add("cursor");
    next.scrollIntoView({ block: "nearest" });
    ($("a[href]", next) || next).focus({ preventScroll: true });
  };
  const part = (by) => {
    const all = $$("[data-part]");
    const at = all.findIndex((each) => each.hasAttribute("aria-current"));
    all[at + by]?.click();
  };
  const reveal = (id) => {
    const target = document.getElementById(id);
    if (!target) return;
    if (target.tagName === "DETAILS") target.open = true;
    target.scrollIntoView({ block: "start" });
    ($("summary, textarea, input:not([type=hidden]), a", target) || target).focus();
  };
  const cursor = () => $("tr.cursor");
  const acts = {
    j: () => step(1),
    k: () => step(-1),
    x: (event) => { const box = cursor() && $("input[data-row]", cursor()); if (box) select(box, !box.checked, event.shiftKey); },
    Enter: (event) => { if (cursor() && event.target.tagName !== "A") location.assign(cursor().dataset.href); },
    a: () => $("[data-act=assign]")?.click(),
    c: () => $("[data-act=claim]")?.click(),
    n: () => $("[data-next]")?.click(),
    "[": () => part(-1),
    "]": () => part(1),
    t: () => reveal("trace"),
    m: () => reveal("note"),
    "/": () => $("#global-search")?.focus(),
    "?": () => $("#keys")?.showModal(),
  };
  document.addEventListener("keydown", (event) => {
    if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "k") {
      const field = $("#global-search");
      if (field) { event.preventDefault(); field.focus(); field.select(); }
      return;
    }
    if (event.key === "Escape") {
      const open = $("details.am-menu[open]");
      if (open) { open.open = false; $("summary", open).focus(); } else clear();
      return;
    }
    const typing = event.target.closest?.("input:not([type=checkbox]):not([type=radio]), textarea, select, [contenteditable], dialog, .leaflet-container");
    if (typing || event.ctrlKey || event.metaKey || event.altKey || localStorage.getItem("keys") === "off") return;
    if (going) {
      going = false;
      const page = $(`[data-key="${CSS.escape(event.key)}"]`);
      if (page) { event.preventDefault(); location.assign(page.href); }
      return;
    }
    if (event.key === "g") { going = true; setTimeout(() => { going = false; }, 1200); return; }
    const act = acts[event.key] || (event.shiftKey && acts[event.key.toLowerCase()]);
    if (!act || (event.key === "Enter" && !cursor())) return;
    if (event.key !== "Enter") event.preventDefault();
    act(event);
  });

  // Days are typed; a calendar helps.
  const iso = (text) => {
    const found = /^(\d{1,2})[/.-](\d{1,2})[/.-](\d{4})$/.exec(text.trim());
    return found ? `${found[3]}-${found[2].padStart(2, "0")}-${found[1].padStart(2, "0")}` : "";
  };
  const calendar = (button) => {
    const field = $("input", button.parentElement);
    const native = Object.assign(document.createElement("input"), { type: "date", tabIndex: -1 });
    native.setAttribute("aria-hidden", "true");
    button.after(native);
    button.hidden = false;
    button.addEventListener("click", () => { native.value = iso(field.value); native.showPicker?.(); });
    native.addEventListener("change", () => {
      if (!native.value) return;
      const [year, month, day] = native.value.split("-");
      field.value = `${day}/${month}/${year}`;
      field.dispatchEvent(new Event("change", { bubbles: true }));
    });
  };

  // Long lists of choices get a search field.
  const searchable = (selects) => {
    if (!selects.length) return;
    const make = () => selects.forEach((each) => {
      if (each.tomselect) return;
      const words = each.labels[0]?.textContent.trim();
      new window.TomSelect(each, { maxOptions: null, plugins: [] });
      each.setAttribute("aria-label", words);
    });
    if (window.TomSelect) { make(); return; }
    document.head.append(Object.assign(document.createElement("link"), { rel: "stylesheet", href: "/static/vendor/tom-select.css" }));
    document.head.append(Object.assign(document.createElement("script"), { src: "/static/vendor/tom-select.js", onload: make }));
  };

  // The face of a file field names what was chosen.
  document.addEventListener("change", (event) => {
    const face = event.target.matches?.(".am-upload > input") && $("span", event.target.nextElementSibling);
    if (!face) return;
    face.dataset.none ??= face.textContent;
    const names = [...event.target.files].map((each) => each.name).join(", ");
    face.textContent = names || face.dataset.none;
    event.target.parentElement.classList.toggle("chosen", Boolean(names));
  });

  // A form is sent once; a page that comes back from the cache may send again.
  document.addEventListener("submit", (event) => {
    const button = event.submitter;
    if (button?.matches("[data-once]") && !event.defaultPrevented) setTimeout(() => { button.disabled = true; }, 0);
  });
  window.addEventListener("pageshow", () => $$("[data-once]").forEach((each) => { each.disabled = false; }));

  const ready = (from) => {
    $$(".am-toast", from).forEach(watch);
    $$("[data-pick][hidden]", from).forEach(calendar);
    searchable($$("select[data-search]", from));
    $$("[data-opens][hidden]", from).forEach((each) => { each.hidden = false; });
    $$("[data-keys-switch]", from).forEach((each) => { each.checked = localStorage.getItem("keys") !== "off"; });
    if (phone.matches) $$("details[data-fold-phone]", from).forEach((each) => { each.open = false; });
    $("[data-focus]", from)?.focus();
    count();
  };
  ready(document);
  document.addEventListener("htmx:afterSettle", (event) => {
    ready(event.target);
    const words = event.target.dataset?.announce || $("[data-announce]", event.target)?.textContent;
    if (words) $("#announce").textContent = words;
  });
})();
