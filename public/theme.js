// Light or dark, before the first paint. The choice is kept in localStorage; without one the system decides.
(() => {
  const KEY = "theme";
  const root = document.documentElement;
  const system = matchMedia("(prefers-color-scheme: dark)");

  const stored = () => {
    try {
      return localStorage.getItem(KEY);
    } catch {
      return null;
    }
  };

  const store = (theme) => {
    try {
      localStorage.setItem(KEY, theme);
    } catch {
      // Storage is closed to us: the choice lasts until the page is left.
    }
  };

  const mark = () => {
    const pressed = String(root.classList.contains("dark"));
    for (const toggle of document.querySelectorAll("[data-theme-toggle]")) {
      if (toggle.getAttribute("aria-pressed") !== pressed) toggle.setAttribute("aria-pressed", pressed);
    }
  };

  const show = (dark) => {
    root.classList.toggle("dark", dark);
    mark();
  };

  const decide = () => {
    const theme = stored();
    show(theme === "dark" || (theme !== "light" && system.matches));
  };

  decide();
  system.addEventListener("change", decide);
  addEventListener("storage", (event) => {
    if (event.key === KEY || event.key === null) decide();
  });

  document.addEventListener("DOMContentLoaded", () => {
    mark();
    // Listening on the document, the toggles may come and go with the views.
    document.addEventListener("click", (event) => {
      if (!(event.target instanceof Element) || !event.target.closest("[data-theme-toggle]")) return;
      const dark = !root.classList.contains("dark");
      store(dark ? "dark" : "light");
      show(dark);
    });
    new MutationObserver(mark).observe(document.body, { childList: true, subtree: true });
  });
})();
