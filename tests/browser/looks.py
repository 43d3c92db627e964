"""What can be measured of how a page looks: nothing runs out of it, and every text stands out from its ground."""

from __future__ import annotations

from playwright.sync_api import Page

LEAST_CONTRAST = 4.5
"""Of text against what lies behind it (WCAG 2.2, success criterion 1.4.3)."""
_WIDE = """() => {
  const edge = document.documentElement.clientWidth;
  const scrolls = (node) => node && (getComputedStyle(node).overflowX === "auto" || scrolls(node.parentElement));
  const told = document.documentElement.scrollWidth > edge ? ["the page scrolls sideways"] : [];
  for (const node of document.querySelectorAll("body *")) {
    const box = node.getBoundingClientRect();
    if (box.width && (box.right > edge + 1 || box.left < -1) && !scrolls(node.parentElement))
      told.push(`${node.tagName}.${node.className}: ${node.textContent.trim().slice(0, 60)}`);
  }
  return told;
}"""
_PALE = """(least) => {
  const ink = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const parsed = (colour) => {
    ink.clearRect(0, 0, 1, 1); ink.fillStyle = colour; ink.fillRect(0, 0, 1, 1);
    const [r, g, b, a] = ink.getImageData(0, 0, 1, 1).data;
    return [r, g, b, a / 255];
  };
  const over = (top, under) => [0, 1, 2].map((i) => top[i] * top[3] + under[i] * (1 - top[3]));
  const ground = (node) => {
    if (!node) return matchMedia("(prefers-color-scheme: dark)").matches ? [0, 0, 0] : [255, 255, 255];
    const colour = parsed(getComputedStyle(node).backgroundColor);
    return colour[3] === 1 ? colour.slice(0, 3) : over(colour, ground(node.parentElement));
  };
  const linear = (part) => (part /= 255) <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  const light = (colour) => [0.2126, 0.7152, 0.0722].reduce((sum, share, i) => sum + share * linear(colour[i]), 0);
  const told = {};
  for (const node of document.querySelectorAll("body *")) {
    const text = [...node.childNodes].filter((one) => one.nodeType === 3).map((one) => one.data.trim()).join("");
    if (!text || !node.getClientRects().length || ["SCRIPT", "STYLE"].includes(node.tagName)) continue;
    const behind = ground(node), style = getComputedStyle(node), colour = parsed(style.color);
    const [low, high] = [light(over(colour, behind)), light(behind)].sort((a, b) => a - b);
    const contrast = (high + 0.05) / (low + 0.05);
    if (contrast < least) told[`${node.tagName}.${node.className}`] = `${contrast.toFixed(2)} ${text.slice(0, 40)}`;
  }
  return Object.entries(told).map(([name, found]) => `${name}: ${found}`);
}"""


def too_wide(page: Page) -> list[str]:
    """What runs out of the page, where it lies in nothing that scrolls by itself."""
    found: list[str] = page.evaluate(_WIDE)
    return found


def too_pale(page: Page) -> list[str]:
    """Kinds of visible text with less than `LEAST_CONTRAST`, an example of each."""
    found: list[str] = page.evaluate(_PALE, LEAST_CONTRAST)
    return found
