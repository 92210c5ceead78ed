"""Render nbdev's processed notebooks with pandoc, for machines that have no Quarto, and check the links of the result.

    python .ci/site.py           _docs/*.html, and README.md from nbs/index.ipynb; exit 1 on a broken internal link
"""
import base64, html, json, os, posixpath, re, subprocess, sys
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pypandoc, yaml

PROC, DOCS = Path('_proc'), Path('_docs')

def options(src):
    "Quarto's cell options, and the code below them."
    lines = src.splitlines()
    opts = [l for l in lines if re.match(r'#\|\s*[\w-]+\s*:', l)]
    return yaml.safe_load('\n'.join(l[2:] for l in opts)) or {}, '\n'.join(l for l in lines if l not in opts).strip('\n')

def plain(text): return f'<pre class="output">{html.escape("".join(text).rstrip())}</pre>'

def output(o, stem, i, dst):
    "One output of a cell as markdown; pictures go to files."
    if o['output_type'] == 'stream': return plain(o['text'])
    if o['output_type'] == 'error': raise SystemExit(f'{stem}: a cell holds an error')
    d = o['data']
    for k in ('text/markdown', 'text/html'):
        if k in d: return ''.join(d[k]) if k == 'text/markdown' else '```{=html}\n' + ''.join(d[k]) + '\n```'
    if 'image/png' in d:
        f = dst/f'{stem}_files'/f'{i}.png'
        f.parent.mkdir(parents=True, exist_ok=True)
        f.write_bytes(base64.b64decode(''.join(d['image/png'])))
        return f'![]({stem}_files/{i}.png)'
    return plain(d['text/plain'])

def to_markdown(path, dst):
    "A processed notebook as pandoc's markdown."
    parts, n = [], 0
    for c in json.loads(path.read_text())['cells']:
        src = ''.join(c['source'])
        if c['cell_type'] != 'code': parts.append(src.strip()); continue
        opts, code = options(src)
        if opts.get('include') is False: continue
        if opts.get('echo', True) and code: parts.append(f'``` python\n{code}\n```')
        for o in c.get('outputs', []): parts.append(output(o, path.stem, n, dst)); n += 1
    return '\n\n'.join(parts) + '\n'

def pandoc(text, *args):
    r = subprocess.run([pypandoc.get_pandoc_path(), *args], input=text, text=True, capture_output=True)
    if r.returncode: raise SystemExit(f'pandoc: {r.stderr}')
    return r.stdout

def front_matter(path): return yaml.safe_load(re.search(r'---\n(.*?)\n---', ''.join(json.loads(path.read_text())['cells'][0]['source']), re.S)[1])

def sidebar(entries, pages, here):
    "The sidebar of a page, as nested bullets."
    for x in entries:
        if isinstance(x, str): yield f'- [{pages[x][0]}]({posixpath.relpath(pages[x][1], posixpath.dirname(here) or ".")})'
        else:
            yield f'- {x["section"]}\n'
            yield from ('    ' + l for l in sidebar(x['contents'], pages, here))

def build():
    "All pages."
    config = yaml.safe_load(Path('_quarto.yml').read_text())
    notebooks = {str(f.relative_to(PROC)): f for f in sorted(PROC.rglob('*.ipynb')) if '.ipynb_checkpoints' not in f.parts}
    pages = {}
    for name, f in notebooks.items():
        m = front_matter(f)
        pages[name] = m['title'], posixpath.join(posixpath.dirname(name), m['output-file'])
    for name, f in notebooks.items():
        to = DOCS/pages[name][1]
        to.parent.mkdir(parents=True, exist_ok=True)
        link = lambda m: f']({posixpath.relpath(pages[posixpath.normpath(posixpath.join(posixpath.dirname(name), m[1]))][1], posixpath.dirname(name) or ".")}{m[2] or ""})'
        text = re.sub(r'\]\(([\w./-]+\.ipynb)(#[\w.-]+)?\)', link, to_markdown(f, to.parent))
        text = re.sub(r'(?ms)^```.*?^```', lambda m: re.sub(r'\[(`[^`]+`)\]\([^)]+\)', r'\1', m[0]), text)  # code holds no links
        nav = to.with_suffix('.nav')
        nav.write_text('<nav id="side">' + pandoc('\n'.join(sidebar(config['website']['sidebar']['contents'], pages, pages[name][1])), '-f', 'markdown', '-t', 'html5') + '</nav>')
        css = posixpath.relpath('style.css', posixpath.dirname(pages[name][1]) or '.')
        pandoc(text, '-f', 'markdown', '-t', 'html5', '-s', '--toc', '--toc-depth=3', '--mathml', '-c', css, '-B', str(nav), '--metadata', f'pagetitle={pages[name][0]}', '-o', str(to))
        nav.unlink()
    (DOCS/'style.css').write_text(CSS)
    return len(pages)

def readme():
    "README.md from the index, as nbdev_readme writes it."
    text = to_markdown(PROC/'index.ipynb', Path('.'))
    title, body = re.search(r'^title: (.*)$', text, re.M)[1], re.sub(r'\A---\n.*?\n---\n', '', text, flags=re.S)
    Path('README.md').write_text(f'# {title}\n\n\n' + pandoc(body, '-f', 'markdown', '-t', 'gfm'))

def broken_links():
    "Links of the site that lead to no page, file or place in a page."
    pages = {p.relative_to(DOCS).as_posix(): p.read_text() for p in DOCS.rglob('*.html')}
    for name, text in pages.items():
        for url in re.findall(r'(?:href|src)="([^"]+)"', text):
            u = urlsplit(html.unescape(url))
            if u.scheme or u.netloc: continue
            target = posixpath.normpath(posixpath.join(posixpath.dirname(name), unquote(u.path))) if u.path else name
            if not (DOCS/target).is_file(): yield f'{name}: {url}: no such page'
            elif u.fragment and target in pages and f'id="{unquote(u.fragment)}"' not in pages[target]: yield f'{name}: {url}: no such place'

CSS = '''body{max-width:none;margin:0;display:grid;grid-template-columns:12em minmax(0,66em) 12em;column-gap:2em;padding:2em;font-family:system-ui,sans-serif;line-height:1.55;color:#222}
#side{grid-column:1;grid-row:1/200;font-size:.92em}#side ul{list-style:none;padding-left:.9em}a{color:#1a5fb4;text-decoration:none}a:hover{text-decoration:underline}
#title-block-header{grid-column:2}#TOC{grid-column:3;grid-row:1/200;font-size:.85em}#TOC ul{list-style:none;padding-left:1em}
body>*{grid-column:2}h1,h2,h3{line-height:1.2}blockquote{color:#555;border-left:3px solid #ccc;margin-left:0;padding-left:1em}
pre{overflow:auto;margin:.5em 0;font-size:.8em;line-height:1.45}div.sourceCode{background:#f1f3f5;padding:.3em .8em;border-radius:4px}pre.output{color:#444;padding:0 .8em}
table{border-collapse:collapse;font-size:.9em;margin:.6em 0}td,th{padding:.25em .7em;text-align:left;border-bottom:1px solid #e4e4e4;vertical-align:top}table.dataframe td,table.dataframe th{text-align:right}table.dataframe{display:block;overflow-x:auto;border:0}table.dataframe td,table.dataframe th{white-space:nowrap;border-left:0;border-right:0}hr{width:100%;border:0;border-top:1px solid #e4e4e4}img{max-width:100%}
@media(max-width:70em){body{grid-template-columns:minmax(0,1fr)}#side,#TOC,#title-block-header{grid-column:1;grid-row:auto}body>*{grid-column:1}}
'''

if __name__ == '__main__':
    n = build()
    readme()
    bad = list(broken_links())
    print(*bad, sep='\n')
    print(f'site: {n} pages, {len(bad)} broken links')
    sys.exit(bool(bad))
