"""The map as a page: one file, nothing loaded from anywhere."""

from __future__ import annotations

from html import escape

from romfs.map.regions import EXPLAINED, PartitionMap, Use
from romfs.map.svg import SLUGS, figure, style
from romfs.sizes import show_size

_PAGE_STYLE = """
body{margin:0;background:var(--paper);color:var(--ink);font:14px/1.45 system-ui,sans-serif}
main{max-width:1020px;margin:0 auto;padding:20px}
header{display:flex;align-items:baseline;gap:16px;flex-wrap:wrap}
h1{font-size:20px;margin:0}header p{margin:0;color:var(--soft);flex:1}
button{font:inherit;color:inherit;background:none;border:1px solid var(--soft);border-radius:4px;
padding:2px 10px;cursor:pointer}
svg{width:100%;height:auto;margin:12px 0;display:block}
.key{display:grid;grid-template-columns:repeat(auto-fill,minmax(310px,1fr));gap:4px 20px;
list-style:none;padding:0;margin:8px 0 20px}
.key li{display:flex;gap:8px;align-items:baseline}
.key i,.key svg{width:12px;height:12px;flex:none;align-self:flex-start;margin:4px 0 0}
.key .frame{border:2px solid var(--changed);box-sizing:border-box}
.key u{text-decoration:none;white-space:nowrap}
.key b{font-weight:600}.key span{color:var(--soft);font-size:12px}
table{border-collapse:collapse;width:100%;font-size:13px}
th{text-align:left;color:var(--soft);font-weight:500}td,th{padding:3px 8px;
border-bottom:1px solid var(--line)}td.n,th.n{text-align:right;font-variant-numeric:tabular-nums}
td.p{font-family:ui-monospace,Menlo,Consolas,monospace;overflow-wrap:anywhere}
td.bar{width:30%}td.bar i{display:inline-block;height:10px;vertical-align:middle}
tr.hot td{background:var(--line)}
#tip{position:fixed;pointer-events:none;background:var(--ink);color:var(--paper);padding:6px 10px;
border-radius:4px;font:12px/1.4 ui-monospace,Menlo,Consolas,monospace;white-space:pre-line;
display:none;max-width:60ch;z-index:2}
@media print{button,#tip{display:none!important}main{padding:0;max-width:none}
tr{break-inside:avoid}svg{break-inside:avoid}}
"""

_SCRIPT = """
const root = document.documentElement, tip = document.querySelector('#tip');
const map = document.querySelector('.map'), all = s => document.querySelectorAll(s);
document.querySelector('button').onclick = () => {
  const system = matchMedia('(prefers-color-scheme: dark)').matches ? 'dark' : 'light';
  root.dataset.theme = (root.dataset.theme || system) == 'dark' ? 'light' : 'dark';
};
function pick(name) {
  map.classList.toggle('picked', !!name);
  for (const e of all('.r, tr[data-f]'))
    e.classList.toggle('hot', !!name && e.dataset.f == name);
}
for (const t of all('.map .r title')) { t.parentNode.dataset.t = t.textContent; t.remove(); }
map.addEventListener('pointermove', e => {
  const r = e.target.closest('.r');
  if (!r || !r.dataset.t) { tip.style.display = 'none'; pick(''); return; }
  tip.textContent = r.dataset.t;
  tip.style.display = 'block';
  tip.style.left = Math.min(e.clientX + 14, innerWidth - tip.offsetWidth - 8) + 'px';
  tip.style.top = Math.min(e.clientY + 14, innerHeight - tip.offsetHeight - 8) + 'px';
  pick(r.dataset.f);
});
map.addEventListener('pointerleave', () => { tip.style.display = 'none'; pick(''); });
for (const e of all('tr[data-f]')) {
  e.onpointerenter = () => pick(e.dataset.f);
  e.onpointerleave = () => pick('');
}
"""


def html(whole: PartitionMap) -> str:
    """The page."""
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>{escape(whole.title)}</title><style>{style()}{_PAGE_STYLE}</style></head><body>"
        f"<main><header><h1>{escape(whole.title)}</h1><p>{escape(whole.summary)}</p>"
        "<button>light / dark</button></header>"
        f"{figure(whole)}{_key(whole)}{_files(whole)}</main>"
        f'<div id="tip"></div><script>{_SCRIPT}</script></body></html>\n'
    )


def _key(whole: PartitionMap) -> str:
    items = [
        f'<li><svg><rect class="{SLUGS[use]}" width="12" height="12"/></svg><b>{use}</b> '
        f"<u>{show_size(size)}</u> <span>{EXPLAINED[use]}</span></li>"
        for use, size in whole.totals().items()
    ]
    if whole.blocks:
        _, size = whole.blocks[0]
        items.append(
            f'<li><i style="border-left:1px solid var(--ink)"></i><b>grid</b> '
            f"<u>{show_size(size)}</u> <span>an erase block</span></li>"
        )
    if whole.changed is not None:
        items.append(
            '<li><i class="frame"></i><b>changed</b> '
            "<span>erase blocks that differ from the previous image</span></li>"
        )
    return f'<ul class="key">{"".join(items)}</ul>'


def _files(whole: PartitionMap) -> str:
    sizes = whole.files()
    if not sizes:
        return ""
    most = max(sizes.values())
    rows = []
    for path, size in sizes.items():
        parts = [region for region in whole.regions if region.owner == path]
        content = [region for region in parts if region.use is not Use.METADATA]
        bars = "".join(
            f'<i style="background:var(--{SLUGS[region.use]});'
            f'width:{100 * region.size / most:.2f}%"></i>'
            for region in content
        )
        rows.append(
            f'<tr data-f="{escape(path)}"><td class="p">{escape(path)}</td>'
            f'<td class="n">{size}</td><td class="n">{content[0].start:#x}</td>'
            f'<td class="bar">{bars}</td></tr>'
        )
    return (
        '<table><thead><tr><th>file</th><th class="n">bytes</th><th class="n">offset</th>'
        f"<th></th></tr></thead><tbody>{''.join(rows)}</tbody></table>"
    )
