"""Build the site from nbdev's processed notebooks, for machines that have no Quarto: Sphinx, MyST and Furo, arranged by _quarto.yml.

    python .ci/site.py           _docs/*.html, and README.md from nbs/index.ipynb; exit 1 on a warning or a broken internal link
"""
import base64, html, json, posixpath, re, shutil, subprocess, sys, tempfile
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pypandoc, yaml
from docutils import nodes
from sphinx.application import Sphinx

import once

PROC, DOCS = Path('_proc'), Path('_docs')
CONFIG = yaml.safe_load(Path('_quarto.yml').read_text())['website']

def options(src):
    "Quarto's cell options, and the code below them."
    lines = src.splitlines()
    opts = [l for l in lines if re.match(r'#\|\s*[\w-]+\s*:', l)]
    return yaml.safe_load('\n'.join(l[2:] for l in opts)) or {}, '\n'.join(l for l in lines if l not in opts).strip('\n')

def plain(text): return f'<pre class="output">{html.escape("".join(text).rstrip())}</pre>'

def output(o, stem, i, dst, alt):
    "One output of a cell as markdown; pictures go to files."
    if o['output_type'] == 'stream': return plain(o['text'])
    if o['output_type'] == 'error': raise SystemExit(f'{stem}: a cell holds an error')
    d = {k: ''.join(v) for k, v in o['data'].items()}
    if 'text/markdown' in d: return re.sub(r'(\[source\]\(.*?\))\{.*?\}\n+(#+ .*\n)', r'\2\n{.source}\n\1\n', d['text/markdown'])
    if 'text/html' in d:
        table = re.sub('<table[^>]*>', '<table class="docutils">', re.sub('(?s)<style.*?</style>', '', d['text/html']))
        return f'```{{raw}} html\n<div class="table-wrapper container">{table}</div>\n```'
    if 'image/png' in d:
        f = dst/f'{stem}_files'/f'{i}.png'
        f.parent.mkdir(parents=True, exist_ok=True)
        f.write_bytes(base64.b64decode(d['image/png']))
        return f'![{alt}]({stem}_files/{i}.png)'
    return plain(d['text/plain'])

def to_markdown(path, dst):
    "A processed notebook as markdown: its front matter and its body."
    parts, n = [], 0
    first, *cells = json.loads(path.read_text())['cells']
    for c in cells:
        src = ''.join(c['source'])
        if c['cell_type'] != 'code': parts.append(src.strip()); continue
        opts, code = options(src)
        if opts.get('include') is False: continue
        if opts.get('echo', True) and code: parts.append(f'``` python\n{code}\n```')
        for o in c.get('outputs', []): parts.append(output(o, path.stem, n, dst, opts.get('fig-alt', ''))); n += 1
    return yaml.safe_load(''.join(first['source']).strip().strip('-')), '\n\n'.join(parts) + '\n'

def pandoc(text, *args):
    return subprocess.run([pypandoc.get_pandoc_path(), '-f', 'markdown', *args], input=text, text=True, capture_output=True, check=True).stdout

def tree(entry, pages):
    "An entry of the sidebar as a table of contents."
    items = [dict(href=x) if isinstance(x, str) else x for x in entry.get('contents', [entry])]
    lines = [f'{x.get("text", pages[x["href"]][1])} <{pages[x["href"]][0].replace("index", "self")}>' for x in items]
    return '\n'.join(['', '```{toctree}', ':hidden:', *[f':caption: {entry[k]}' for k in entry if k == 'section'], '', *lines, '```', ''])

def write_pages(to):
    "Each page as markdown under the name that its links have. Returns {name: source}."
    pages, texts = {'CHANGELOG.md': ('CHANGELOG', 'Changelog')}, {'CHANGELOG.md': Path('CHANGELOG.md').read_text()}
    for f in sorted(PROC.rglob('*.ipynb')):
        name = f.relative_to(PROC).as_posix()
        folder = posixpath.dirname(name)
        meta, body = to_markdown(f, to/folder)
        if not isinstance(meta, dict): raise SystemExit(f'nbs/{name}: begin with a cell "# Title" and "> subtitle", or move it elsewhere')
        pages[name] = posixpath.join(folder, meta['output-file'].removesuffix('.html')), meta['title']
        texts[name] = f'# {meta["title"]}\n\n{{.subtitle}}\n{meta["description"]}\n\n{body}'
    texts['index.ipynb'] += ''.join(tree(x, pages) for x in CONFIG['sidebar']['contents'])
    shutil.copytree('nbs/images', to/'images')
    for name, text in texts.items():
        here = posixpath.dirname(name)
        link = lambda m: f']({posixpath.relpath(pages[posixpath.normpath(posixpath.join(here, m[1]))][0], here or ".")}.html{m[2] or ""})'
        text = re.sub(r'\]\(([\w./-]+\.ipynb)(#[\w.-]+)?\)', link, text)
        text = re.sub(r'(?ms)^```.*?^```', lambda m: re.sub(r'\[(`[^`]+`)\]\([^)]+\)', r'\1', m[0]), text)  # code holds no links
        f = to/f'{pages[name][0]}.md'
        f.parent.mkdir(parents=True, exist_ok=True)
        f.write_text(text)
    return {page: name for name, (page, _) in pages.items()}

def setup(app):
    "What Sphinx doesn't do by itself: headings named as Quarto does, so that nbdev's links lead somewhere; formulas as MathML, by pandoc."
    def name_headings(app, doc):
        seen = set()
        for s in doc.findall(nodes.section):
            stem = name = re.sub(r'\s+', '-', re.sub(r'[^\w\s.-]', '', s[0].astext().lower())).lstrip('0123456789_.-') or 'section'
            while name in seen: name = f'{stem}-{len(seen)}'
            seen.add(name); s['ids'] = [name]
    def formula(self, node):
        kind, mark = ('math-block', '$$') if isinstance(node, nodes.math_block) else ('math', '$')
        mathml = re.search('(?s)<math.*</math>', pandoc(mark + node.astext() + mark, '-t', 'html', '--mathml'))[0]
        self.body.append(f'<span class="{kind}">{mathml}</span>')
        raise nodes.SkipNode
    app.connect('doctree-read', name_headings, priority=400)
    app.add_html_math_renderer('mathml', (formula, None), (formula, None))

def build():
    "All pages."
    shutil.rmtree(DOCS, ignore_errors=True)
    with tempfile.TemporaryDirectory() as tmp:
        src = Path(tmp)/'site'; src.mkdir()
        sources = write_pages(src)
        conf = dict(project=CONFIG['title'], html_title=CONFIG['title'], language='en', extensions=['myst_parser', 'sphinx_copybutton', '__main__'],
            myst_enable_extensions=['dollarmath', 'attrs_block'], myst_all_links_external=True, suppress_warnings=['myst.header'],
            highlight_language='text', html_math_renderer='mathml', html_theme='furo', html_copy_source=False, html_use_index=False,
            html_show_copyright=False, html_static_path=[str(Path('nbs/styles.css').resolve())], html_css_files=['styles.css'],
            html_theme_options=dict(top_of_page_buttons=['view'], footer_icons=[dict(name='Repository', url=CONFIG['repo-url'], html='GitHub')]))
        app = Sphinx(src, None, DOCS, Path(tmp)/'doctrees', 'html', confoverrides=conf, status=None)
        def view(app, page, template, context, doctree): context['theme_source_view_link'] = f'{CONFIG["repo-url"]}/blob/main/nbs/{sources.get(page)}'
        app.connect('html-page-context', view)
        app.build()
    return len(sources), app._warncount

def readme():
    "README.md from the index, as nbdev_readme writes it."
    meta, body = to_markdown(PROC/'index.ipynb', Path('.'))
    body = re.sub(r'\]\((?=[\w./-]+\.(ipynb|png)\))', '](nbs/', body) # it lies above them
    Path('README.md').write_text(f'# {meta["title"]}\n\n\n' + pandoc(body, '-t', 'gfm'))

def broken_links():
    "Links of the site that lead to no page, file or place in a page."
    pages = {p.relative_to(DOCS).as_posix(): p.read_text() for p in DOCS.rglob('*.html')}
    for name, text in pages.items():
        for url in re.findall(r'<\w[^<>]*?\s(?:href|src)="([^"]+)"', text):
            u = urlsplit(html.unescape(url))
            if u.scheme or u.netloc: continue
            target = posixpath.normpath(posixpath.join(posixpath.dirname(name), unquote(u.path))) if u.path else name
            if not (DOCS/target).is_file(): yield f'{name}: {url}: no such page'
            elif u.fragment and target in pages and f'id="{unquote(u.fragment)}"' not in pages[target]: yield f'{name}: {url}: no such place'

if __name__ == '__main__':
    shutil.rmtree(PROC, ignore_errors=True) # pages of notebooks that are gone
    subprocess.run([sys.executable, '-W', 'ignore', '-c', 'from nbdev.serve import proc_nbs; proc_nbs(n_workers=0)'], check=True)
    once.main()
    n, warned = build()
    readme()
    bad = list(broken_links())
    print(*bad, sep='\n')
    print(f'site: {n} pages, {warned} warnings, {len(bad)} broken links')
    sys.exit(bool(bad or warned))
