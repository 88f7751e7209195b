// Loaded before the first paint: follow the system until the person chooses (then the server sets the attribute).
(() => {
  const root = document.documentElement;
  root.classList.add("js");
  if (root.hasAttribute("data-bs-theme")) return;
  const dark = window.matchMedia("(prefers-color-scheme: dark)");
  const follow = () => root.setAttribute("data-bs-theme", dark.matches ? "dark" : "light");
  follow();
  dark.addEventListener("change", () => {
    if (document.cookie.includes("theme=")) return;
    follow();
    root.dispatchEvent(new CustomEvent("am:theme"));
  });
})();
