// What a person who sees little, or uses no mouse, would trip over. Returns a list of sentences; empty is good.
() => {
  const found = [];
  const shown = (el) => {
    if (!el.checkVisibility({ opacityProperty: true, visibilityProperty: true })) return false;
    const box = el.getBoundingClientRect();
    return box.width > 1 && box.height > 1;
  };
  const named = (el) => `${el.tagName.toLowerCase()}.${el.className} "${(el.textContent || "").trim().slice(0, 40)}"`;
  const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const rgba = (colour) => {
    canvas.clearRect(0, 0, 1, 1);
    canvas.fillStyle = colour;
    canvas.fillRect(0, 0, 1, 1);
    const [r, g, b, a] = canvas.getImageData(0, 0, 1, 1).data;
    return [r, g, b, a / 255];
  };
  const over = (top, under) => top.slice(0, 3).map((v, i) => v * top[3] + under[i] * (1 - top[3])).concat(1);
  const behind = (el) => {
    const layers = [];
    for (let at = el; at; at = at.parentElement) layers.push(rgba(getComputedStyle(at).backgroundColor));
    return layers.reverse().reduce((under, top) => over(top, under), [255, 255, 255, 1]);
  };
  const light = ([r, g, b]) => {
    const [x, y, z] = [r, g, b].map((v) => ((v /= 255), v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4));
    return 0.2126 * x + 0.7152 * y + 0.0722 * z;
  };

  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const seen = new Set();
  while (texts.nextNode()) {
    const el = texts.currentNode.parentElement;
    if (!texts.currentNode.textContent.trim() || seen.has(el) || !shown(el) || el.closest("script, style, option, .unseen, .skip, [disabled]")) continue;
    seen.add(el);
    const style = getComputedStyle(el);
    const under = behind(el);
    const ink = over(rgba(style.color), under);
    const [a, b] = [light(ink), light(under)].sort((x, y) => y - x);
    const ratio = (a + 0.05) / (b + 0.05);
    const size = parseFloat(style.fontSize);
    const least = size >= 24 || (size >= 18.66 && style.fontWeight >= 700) ? 3 : 4.5;
    if (ratio < least) found.push(`contrast ${ratio.toFixed(2)} of ${named(el)}`);
  }

  for (const el of document.querySelectorAll("button, a[href], input, select, textarea, [role=switch], [tabindex='0']")) {
    if (!shown(el)) continue;
    const label = el.labels?.length ? [...el.labels].map((one) => one.textContent).join(" ") : "";
    if (!(el.getAttribute("aria-label") || label || el.innerText || "").trim()) found.push(`no name: ${named(el)}`);
    const box = el.getBoundingClientRect();
    const inText = el.tagName === "A" && getComputedStyle(el).display === "inline";
    if (!inText && !el.matches(".link") && (box.width < 24 || box.height < 24)) found.push(`too small to hit: ${named(el)}`);
  }
  for (const el of document.querySelectorAll("[role=dialog]")) {
    if (!el.getAttribute("aria-label") && !el.getAttribute("aria-labelledby")) found.push(`a dialog without a name`);
  }
  for (const el of document.querySelectorAll("body *")) {
    const scrolls = ["auto", "scroll"].includes(getComputedStyle(el).overflowX) && el.scrollWidth > el.clientWidth + 1;
    if (scrolls && shown(el) && el.tabIndex < 0 && !el.querySelector("a, button, input")) {
      found.push(`the keyboard can't scroll ${named(el)}`);
    }
  }
  for (const el of document.querySelectorAll("img")) if (!el.hasAttribute("alt")) found.push(`no alt: ${el.src}`);
  const ids = [...document.querySelectorAll("[id]")].map((el) => el.id);
  for (const id of new Set(ids.filter((one, at) => ids.indexOf(one) !== at))) found.push(`id twice: ${id}`);
  if (document.documentElement.lang !== "en-US") found.push("no language");
  if (!document.title) found.push("no title");
  if (document.querySelectorAll("h1").length !== 1) found.push(`${document.querySelectorAll("h1").length} h1`);
  if (document.querySelectorAll("main").length !== 1) found.push("not one main");
  let level = 0;
  for (const el of document.querySelectorAll("h1, h2, h3, h4")) {
    if (!shown(el) || el.closest(".prose")) continue;
    const own = Number(el.tagName[1]);
    if (own > level + 1) found.push(`heading skips a level: ${named(el)}`);
    level = own;
  }
  const wide = document.documentElement.scrollWidth - innerWidth;
  if (wide > 0) found.push(`${wide} px wider than the window`);
  return found;
};
