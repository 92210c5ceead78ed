"""Run notebooks as nbdev_test does, each in a process and with a time limit, and compare what each cell prints with the output that is stored next to it.

    python .ci/test.py [--code] [NOTEBOOK ...]      all in nbs/, or these; a line for each; exit 1 if one fails, or has a stale output
                                                    --code: don't compare outputs (they come from constraints.txt on Python 3.11)

Of outputs, words are compared. Numbers may differ: times do always, and the last digits of a training do with the number of threads. Cells with `#| varies` aren't compared: what they
print depends on when a process is killed.
The libraries are imported once; a process for a notebook is a copy of this one.
"""
import difflib, json, multiprocessing as mp, os, re, sys, tempfile, time
from pathlib import Path
import nbdev.test
from execnb.shell import CaptureShell
from nbdev.config import get_config
import accelerate, matplotlib.pyplot, pandas, torch, torchaudio, transformers
from transformers import AutoFeatureExtractor, AutoTokenizer, Data2VecAudioModel, HubertModel, RobertaModel

LIMIT, AT_ONCE = 600, 2
COMPARE = '--code' not in sys.argv

class Keep(CaptureShell):
    "Keeps the notebook that it ran."
    def run_all(self, nb, **kw): Keep.nb = nb; super().run_all(nb, **kw)
nbdev.test.CaptureShell = Keep

def words(cell):
    "What a cell prints and shows; a number is a 0."
    parts = [''.join(o.get('text') or o.get('data', {}).get('text/plain') or '') for o in cell.get('outputs', [])]
    flat = re.sub(r' at 0x[0-9a-f]+', '', ' '.join(parts)) # as in a notebook that was cleaned
    flat = re.sub(r'-?\b[0-9a-f]{8,}\b|[-+]?\d[\d.,]*(e[-+]?\d+)?|(?<!\S)–(?!\S)', '0', flat) # –: undefined
    found = re.sub(r'[-=─|█▏▎▍▌▋▊▉ ]+|\s+', ' ', flat).split()
    return [w for w, before in zip(found, ['', *found]) if not w == before == '0']

def stale(path):
    "A line for each cell whose output differs, with the first difference."
    stored = {c['id']: c for c in json.loads(path.read_text(encoding='utf-8'))['cells'] if c['cell_type'] == 'code'}
    for c in Keep.nb.cells:
        if c.cell_type != 'code' or c.id not in stored or '#| varies\n' in stored[c.id]['source']: continue
        old, new = words(stored[c.id]), words(json.loads(json.dumps(c)))
        if old == new: continue
        _, i, j, k, l = next(b for b in difflib.SequenceMatcher(None, old, new, False).get_opcodes() if b[0] != 'equal')
        show = lambda words, i, j: ' '.join(words[max(0, i - 3):j + 3])[:100]
        yield f'stale output of cell {c.id}: stored {show(old, i, j)!r}, now {show(new, k, l)!r}'

def test(path, log):
    "In a process of its own."
    os.setpgrp()
    out = os.open(log, os.O_WRONLY | os.O_CREAT, 0o600); os.dup2(out, 1); os.dup2(out, 2)
    passed, _ = nbdev.test.test_nb(path, get_config().tst_flags.split(), basepath=get_config().config_path)
    lines = [*stale(path)] if passed and COMPARE else []
    print(*lines, sep='\n', flush=True)
    sys.exit(not passed or bool(lines))

def main(paths):
    fork, waiting, running, bad = mp.get_context('fork'), sorted(paths, key=lambda p: -p.stat().st_size), {}, 0
    with tempfile.TemporaryDirectory() as d:
        while waiting or running:
            while waiting and len(running) < AT_ONCE:
                p = waiting.pop(0)
                job = fork.Process(target=test, args=(p, f'{d}/{p.stem}.log'))
                job.start(); running[p] = job, time.perf_counter()
            for p, (job, start) in [*running.items()]:
                seconds = time.perf_counter() - start
                if job.is_alive() and seconds < LIMIT: continue
                if job.is_alive(): os.killpg(job.pid, 9)
                job.join(); del running[p]
                if job.exitcode == 0: print(f'ok      {p.relative_to(Path.cwd())} ({seconds:.0f} s)', flush=True); continue
                bad += 1; log = Path(f'{d}/{p.stem}.log').read_text(errors='replace')
                print(f'FAILED  {p.relative_to(Path.cwd())} ({seconds:.0f} s of {LIMIT})', *log.splitlines()[-40:], sep='\n', flush=True)
            time.sleep(.1)
    return bad

if __name__ == '__main__':
    found = [Path(p).resolve() for p in sys.argv[1:] if p != '--code'] or [p.resolve() for p in Path('nbs').rglob('*.ipynb') if not any(x[0] in '._' for x in p.parts)]
    sys.exit(bool(main(found)))
