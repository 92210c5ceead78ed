"""`kill -9` a run at random moments, resume it until it ends, and compare it with an uninterrupted one.

    python benchmarks/kills.py --kills 24        exit 1 at the first file that differs

Each attempt is its own process, forked from one that has imported the libraries. The moments are spread over
the whole run: reading, training, validating, writing, testing. A checkpoint is written after every step, so
many moments interrupt a write. Three runs take turns: text alone by each recipe, and all heads with a process
that loads data.
"""
import argparse, json, os, random, signal, sys, tempfile, time
from dataclasses import replace
from pathlib import Path
os.environ |= dict(HF_HUB_OFFLINE='1', TOKENIZERS_PARALLELISM='false', OMP_NUM_THREADS='1')

import pandas as pd
import torch
from mmml.runs.config import Flags, resolve, run_name
from mmml.runs.run import run
from mmml.training.checkpoint import read_info

KINDS = dict(original=dict(loss='T', epochs=3), tuned=dict(loss='T', epochs=3, recipe='tuned'),
    all_heads=dict(model='cc', context=False, epochs=1, num_workers=1))

def start(cfg):
    "Start a run in its own process; returns the process id."
    pid = os.fork()
    if pid: return pid
    out = os.open(os.devnull, os.O_WRONLY); os.dup2(out, 1)
    try: run(cfg); os._exit(0)
    except BaseException as e: print(f'{type(e).__name__}: {e}', file=sys.stderr); os._exit(1)

def contents(folder):
    "What must be the same: the list of files, and their contents except times."
    untimed = lambda t: t.drop(columns=[c for c in t if 'second' in c]).to_csv()
    results = json.loads((folder/'results.json').read_text()); del results['seconds']
    files = [str(f.relative_to(folder)) for f in folder.rglob('*')]
    return dict(files=sorted(f for f in files if not f.startswith(('checkpoints', '.lock'))), results=results,
        history=untimed(pd.read_csv(folder/'history.csv', dtype=str)),
        predictions=(folder/'predictions.csv').read_bytes(),
        weights=(folder/'model'/'model.safetensors').read_bytes())

def progress(folder):
    "How far a killed run had come."
    last = folder/'checkpoints'/'last'/'state.safetensors'
    if not last.exists(): return 'finished' if (folder/'results.json').exists() else 'before the first step'
    if (folder/'predictions.csv').exists(): return 'writing the results'
    info = read_info(last)
    return f"epoch {info['epoch']} step {info['step']}" if info['step'] else f"after epoch {info['epoch']}"

p = argparse.ArgumentParser(description=__doc__.splitlines()[0])
p.add_argument('--kills', type=int, default=24)
p.add_argument('--seed', type=int, default=0, help='of the moments')
p.add_argument('--kinds', nargs='+', choices=list(KINDS), default=list(KINDS), help='of runs (all three)')
p.add_argument('--dir', help='where the runs go (a temporary folder)')
a = p.parse_args()
torch.set_num_threads(1)
root, rng, kills, done = Path(a.dir or tempfile.mkdtemp()), random.Random(a.seed), [], 0

def config(kind, name):
    "The resolved config of a run, and its folder."
    cfg = resolve(Flags(dataset='sample', device='cpu', save_every=0., dropout=.1, data_dir=str(root/'data'),
        output_dir=str(root/name), **KINDS[kind]))
    return cfg, root/name/run_name(cfg)

whole, seconds = {}, {}
for kind in a.kinds:
    (cfg, folder), begin = config(kind, 'whole'), time.monotonic()
    assert os.waitpid(start(cfg), 0)[1] == 0, 'the uninterrupted run failed'
    whole[kind], seconds[kind] = contents(folder), time.monotonic() - begin
while len(kills) < a.kills:
    kind = a.kinds[done % len(a.kinds)]
    cfg, folder = config(kind, f'cut{done}'); cfg = replace(cfg, output=replace(cfg.output, resume=True))
    while True:
        limit = rng.uniform(0, 1)*seconds[kind]*(.7 if len(kills) < a.kills else 9)
        pid, end, status = start(cfg), time.monotonic() + limit, (0, 0)
        while time.monotonic() < end and (status := os.waitpid(pid, os.WNOHANG))[0] == 0: time.sleep(.005)
        if status[0]: assert status[1] == 0, 'a resumed run failed'; break
        os.kill(pid, signal.SIGKILL); os.waitpid(pid, 0)
        kills.append(f'{kind}, {progress(folder)}')
        if (folder/'results.json').exists(): break # killed while deleting its checkpoints
    got = contents(folder)
    for k, v in whole[kind].items():
        if got[k] != v: sys.exit(f'{folder}: {k} differ after {len(kills)} kills ({kills[-1:]})')
    done += 1
print(f'{len(kills)} kills in {done} runs: each ended with the files of an uninterrupted run, to the bit. '
    f'The last checkpoint was at:\n' + '; '.join(kills))
