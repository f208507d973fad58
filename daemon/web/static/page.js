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
  }

  async function copy(text) {
    await navigator.clipboard.writeText(text);
  }

  light();
  wanted.addEventListener("change", light);
  window.addEventListener("storage", light);
  window.tsubasa = { switchTheme, veil, copy };
})();
