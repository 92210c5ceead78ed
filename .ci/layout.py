"""What no linter checks: the numbering of notebooks, imports that go downwards only, the size and the format of exported cells.

    python .ci/layout.py         prints a line for each violation; exit 1 if there is one
"""
import ast, json, re, statistics, sys
from pathlib import Path

LIMIT = 40 # lines of an exported cell
NB = Path('nbs')

def cells(path): return [''.join(c['source']) for c in json.loads(path.read_text())['cells'] if c['cell_type'] == 'code']
def exported(src): return src.startswith(('#| export\n', '#| exports\n'))
def module(path): return next((m[1] for c in cells(path) if (m := re.match(r'#\| default_exp (\S+)', c))), None)

def imports(src):
    "The modules of this package that a cell imports, with their lines."
    try: tree = ast.parse(re.sub(r'(?m)^[%!].*$', '', src))
    except SyntaxError: return
    for n in ast.walk(tree):
        if isinstance(n, ast.ImportFrom) and (n.module or '').startswith('mmml.'):
            known = f'{n.module.removeprefix("mmml.")}'
            yield from ([known] if known in NUMBER else [f'{known}.{a.name}' for a in n.names])

books = sorted(NB.glob('[0-9]*.ipynb'))
NUMBER = {m: int(p.name[:2]) for p in books if (m := module(p))}
bad, sizes = [], []
if len({p.name[:2] for p in books}) < len(books): bad.append('two notebooks have the same number')
for p in books:
    n, m = int(p.name[:2]), module(p)
    if m and p.name != f'{n:02d}_{m}.ipynb': bad.append(f'{p.name}: default_exp is {m}')
    for src in cells(p):
        if not exported(src): continue
        sizes.append(k := len([l for l in src.splitlines()[1:] if l.strip()]))
        if k > LIMIT: bad.append(f'{p.name}: an exported cell of {k} lines: {src.splitlines()[1][:60]}')
        bad += [f'{p.name}: imports mmml.{x}, which has a higher number' for x in imports(src) if NUMBER.get(x, 0) >= n]
        bad += [f'{p.name}: a lone bracket: {l!r}' for l in src.splitlines() if re.fullmatch(r'\s+[\])}]+,?', l)]
for first, last in zip(books, books[1:]):
    if int(last.name[:2]) // 10 == int(first.name[:2]) // 10 and int(last.name[:2]) - int(first.name[:2]) > 1:
        bad.append(f'{last.name}: a gap after {first.name}')
for p in Path('mmml').rglob('*.py'):
    body = p.read_text().split('\n# %% ', 2)[-1] # without nbdev's header
    if p.name != '_modidx.py': bad += [f'{p}: {len(l)} columns: {l.strip()[:60]}' for l in body.splitlines() if len(l) > 110]
total = sum(len(p.read_text().splitlines()) for p in Path('mmml').rglob('*.py') if p.name not in ('_modidx.py', '__init__.py'))
print(*bad, sep='\n', end='\n' if bad else '')
print(f'layout: {len(books)} notebooks, {total} exported lines, {len(sizes)} exported cells, median {statistics.median(sizes):g}, longest {max(sizes)}')
sys.exit(bool(bad))
