// The light, the tone of the page, and the few keys that work everywhere. Runs before the first paint.
(() => {
  const root = document.documentElement;
  const wanted = matchMedia("(prefers-color-scheme: dark)");
  const chosen = () => {
    try {
      return localStorage.getItem("tsubasa.theme");
    } catch {
      return null; // storage is switched off: the system's choice stands
    }
  };

  function light() {
    root.dataset.theme = chosen() ?? (wanted.matches ? "dark" : "light");
    root.style.colorScheme = root.dataset.theme;
    if (typeof setDark === "function" && window.Quasar) setDark(root.dataset.theme === "dark");
    tint();
  }

  // The browser's own bar takes the colour of the page.
  function tint() {
    const paper = getComputedStyle(root).getPropertyValue("--paper").trim();
    if (paper) document.querySelector("meta[name=theme-color]")?.setAttribute("content", paper);
  }

  function switchTheme() {
    try {
      localStorage.setItem("tsubasa.theme", root.dataset.theme === "dark" ? "light" : "dark");
    } catch {
      root.dataset.theme = root.dataset.theme === "dark" ? "light" : "dark";
      return;
    }
    light();
  }

  function veil(on) {
    root.toggleAttribute("data-private", on);
    tint();
    if (on) draft("");
  }

  // What is being written outlives a reload, unless it is off the record.
  function draft(text) {
    try {
      if (text === undefined) return sessionStorage.getItem("tsubasa.draft") ?? "";
      if (text && !root.hasAttribute("data-private")) sessionStorage.setItem("tsubasa.draft", text);
      else sessionStorage.removeItem("tsubasa.draft");
    } catch {
      return ""; // storage is switched off
    }
  }

  async function copy(text) {
    await navigator.clipboard.writeText(text);
  }

  // The chat: the field grows, Enter sends; the page stays at its end while one is there.
  const form = () => document.querySelector("form.composer");
  const field = () => document.querySelector(".composer-field");

  function wrote(area) {
    grow(area);
    draft(area.value);
  }

  let began = false;
  function begin() {
    if (began || !field()) return;
    began = true;
    field().value = draft();
    grow(field());
  }

  function grow(area) {
    area.style.height = "auto";
    area.style.height = `${Math.min(area.scrollHeight, innerHeight * 0.4)}px`;
  }

  let reads = false; // a file that goes along with the question
  let waits = false; // Enter was pressed meanwhile
  function reading() {
    reads = true;
    waits = false;
  }

  function read(well) {
    const sends = waits && well;
    reads = waits = false;
    if (sends) form().requestSubmit();
  }

  function submit(event, emit) {
    event.preventDefault();
    if (form().dataset.busy === "true") {
      emit(null); // the button says Stop
      return;
    }
    if (reads) {
      waits = true;
      return;
    }
    const area = field();
    const text = area.value;
    if (!text.trim() || window.socket?.connected === false) return; // nobody would hear it: it stays, also as a draft
    area.value = "";
    grow(area);
    draft("");
    emit(text);
  }

  function key(event) {
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    if (form().dataset.busy !== "true") form().requestSubmit();
  }

  const scrolled = () => root.toggleAttribute("data-scrolled", scrollY > 8);
  const end = () => document.documentElement.scrollHeight - innerHeight - scrollY;
  let follows = true;
  function toEnd() {
    follows = true;
    begin();
    requestAnimationFrame(() => scrollTo({ top: document.documentElement.scrollHeight }));
  }

  function follow() {
    const moved = () => {
      follows = end() < 120;
      scrolled();
    };
    addEventListener("scroll", moved, { passive: true });
    new ResizeObserver(() => {
      if (follows && document.querySelector(".turn")) scrollTo({ top: document.documentElement.scrollHeight });
    }).observe(document.body);
  }

  const SHORTCUTS = [
    ["/", "Write"],
    ["Enter", "Send"],
    ["Shift + Enter", "A new line"],
    ["Esc", "Stop the answer, cancel an edit, close what is open"],
    ["Ctrl + K", "Search your chats"],
    ["Ctrl + Shift + O", "A new chat"],
    ["?", "This list"],
  ];
  function showShortcuts() {
    const list = Object.assign(document.createElement("dialog"), { className: "dialog shortcuts" });
    list.setAttribute("aria-label", "Shortcuts");
    const rows = SHORTCUTS.map(([key, does]) => `<dt><kbd>${key}</kbd></dt><dd>${does}</dd>`).join("");
    list.innerHTML = `<h2>Shortcuts</h2><dl>${rows}</dl><form method="dialog"><button class="button">Done</button></form>`;
    list.addEventListener("close", () => list.remove());
    list.querySelector("form").onsubmit = (event) => {
      event.preventDefault();
      list.close();
    };
    document.body.append(list);
    list.showModal(); // gives the focus back when it closes
  }

  document.addEventListener("keydown", (event) => {
    const typing = event.target.closest?.("input, textarea, select, [contenteditable]");
    const editing = event.target.closest?.(".editing");
    if (event.key === "Escape" && editing) {
      editing.querySelector(".actions .button").click();
      return;
    }
    if (event.key === "Escape" && form()?.dataset.busy === "true") form().requestSubmit();
    if (event.key === "?" && !typing && !document.querySelector("dialog[open], .q-dialog")) showShortcuts();
    const search = document.querySelector(".past-search input");
    if (event.key.toLowerCase() === "k" && (event.ctrlKey || event.metaKey) && search) {
      event.preventDefault();
      if (!search.offsetParent) document.querySelector(".chat-tools .narrow")?.click();
      setTimeout(() => search.focus(), 50);
    }
    if (event.key.toLowerCase() === "o" && event.shiftKey && (event.ctrlKey || event.metaKey) && form()) {
      event.preventDefault();
      document.querySelector("[aria-label='New chat']")?.click();
    }
    if (event.key === "/" && !typing && field() && !event.ctrlKey && !event.metaKey) {
      event.preventDefault();
      field().focus();
    }
  });
  document.addEventListener("click", async (event) => {
    const button = event.target.closest?.(".code-copy");
    if (!button) return;
    await copy(button.parentElement.querySelector("pre").textContent);
    button.textContent = "Copied";
    setTimeout(() => (button.textContent = "Copy"), 1500);
  });
  document.addEventListener("click", (event) => {
    const link = event.target.closest?.(".prose a[href]");
    if (!link) return;
    event.preventDefault(); // what a model wrote leads out in a tab of its own
    open(link.href, "_blank", "noopener,noreferrer");
  });
  // It was asked to go: what to say then.
  let ending = null;
  function expectEnd(title, words) {
    ending = [title, words];
  }

  function showEnding(card) {
    card.replaceChildren();
    for (const [tag, text] of [["strong", ending[0]], ["span", ending[1]]]) {
      card.append(Object.assign(document.createElement(tag), { textContent: text }));
    }
  }

  // A browser that was signed out meanwhile sees how to get in again.
  async function seeWhetherSignedOut() {
    const reply = await fetch(location.href, { cache: "no-store" }).catch(() => null);
    if (reply?.status === 401) location.reload();
  }

  // The daemon is gone: say so with the one thing to do, and in the corner, until the page is loaded again.
  function watchConnection() {
    const card = document.getElementById("popup");
    if (!card) return;
    card.setAttribute("role", "alert");
    card.innerHTML = `<strong>Tsubasa is not running.</strong><span>Start it in a terminal with</span>
      <span class="command"><code>tsubasa up</code><button type="button" class="button">Copy</button></span>
      <span>What you have written stays. This page comes back by itself.</span>`;
    card.querySelector("button").onclick = async (event) => {
      await copy("tsubasa up");
      event.target.textContent = "Copied";
    };
    let before = null;
    new MutationObserver(() => {
      const lost = card.getAttribute("aria-hidden") === "false";
      const chip = document.querySelector(".status");
      if (!chip || lost === Boolean(before)) return;
      if (lost && ending) showEnding(card);
      if (lost) seeWhetherSignedOut();
      const words = chip.querySelector("span:last-child");
      if (lost) before = [chip.className, words.textContent];
      [chip.className, words.textContent] = lost ? ["status bad", "Not running"] : before;
      if (!lost) before = null;
    }).observe(card, { attributes: true, attributeFilter: ["aria-hidden"] });
  }

  document.addEventListener("DOMContentLoaded", () => {
    follow();
    watchConnection();
  });

  // A chat off the record is gone once it is left: the browser asks first.
  addEventListener("beforeunload", (event) => {
    if (root.hasAttribute("data-private") && document.querySelector(".turn")) event.preventDefault();
  });

  light();
  wanted.addEventListener("change", light);
  window.addEventListener("storage", light);
  window.tsubasa = { switchTheme, veil, copy, wrote, submit, key, toEnd, reading, read, expectEnd };
})();
