"""Show each function once: above source that a page shows, nbdev's signature and docstring are cut down to the heading and the link.

    python .ci/once.py           changes _proc/*.ipynb in place; Quarto runs it before it renders, .ci/site.py calls it
"""
import json, re
from pathlib import Path

PROC = Path(__file__).resolve().parent.parent/'_proc'

def once(cells):
    "The cells of a processed notebook, each `show_doc` above the exported source of its name."
    text = lambda c: ''.join(c['source'])
    sources, docs = [c for c in cells if 'code-summary: "Exported source"' in text(c)], {}
    for c in cells:
        if not (m := re.search(r'^show_doc\((?:([\w.]+)\.)?(\w+)\)', text(c), re.M)): continue
        defined = rf'^(async )?def {m[2]}\(\w+: ?\(?[^)=]*\b{m[1]}\b' if m[1] else rf'^(class|(async )?def) {m[2]}\b'
        if not (src := next((s for s in sources if re.search(defined, text(s), re.M)), None)): continue
        docs.setdefault(id(src), []).append(c)
        for o in c['outputs']: o['data'] = {'text/markdown': re.search(r'(\[source\].*\n+)?#+ .*\n', ''.join(o['data']['text/markdown']))[0]}
    moved = [id(c) for cs in docs.values() for c in cs]
    return [x for c in cells if id(c) not in moved for x in (*docs.get(id(c), []), c)]

def main():
    for f in PROC.rglob('*.ipynb'):
        nb = json.loads(f.read_text(encoding='utf-8'))
        nb['cells'] = once(nb['cells'])
        f.write_text(json.dumps(nb, ensure_ascii=False, indent=1) + '\n', encoding='utf-8')

if __name__ == '__main__': main()
