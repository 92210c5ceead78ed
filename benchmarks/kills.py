"""`kill -9` a run at random moments, resume it until it ends, and compare it with one that was left alone.

    python benchmarks/kills.py --kills 24        exit 1 at the first file that differs

Each attempt is a process of its own, forked from one that has read the libraries. The moments are spread over the whole
life of a run: reading, training, validating, writing, testing. A state is written after every step, so that there is
much to interrupt. Three runs take turns: the text alone by each recipe, and all heads with a process that loads data.
"""
import argparse, json, os, random, signal, sys, tempfile, time
from pathlib import Path
os.environ |= dict(HF_HUB_OFFLINE='1', TOKENIZERS_PARALLELISM='false', OMP_NUM_THREADS='1')

import pandas as pd
import torch
from mmml.runs.config import RunConfig
from mmml.runs.run import folder_of, run

def start(cfg):
    "A run in a process of its own: its number."
    pid = os.fork()
    if pid: return pid
    out = os.open(os.devnull, os.O_WRONLY); os.dup2(out, 1)
    try: run(cfg); os._exit(0)
    except BaseException as e: print(f'{type(e).__name__}: {e}', file=sys.stderr); os._exit(1)

def facts(folder):
    "What must be the same: all files, and what is in them but for times."
    timeless = lambda t: t.drop(columns=[c for c in t if 'second' in c]).to_csv()
    results = json.loads((folder/'results.json').read_text()); del results['seconds']
    return dict(files=sorted(str(f.relative_to(folder)) for f in folder.rglob('*')), results=results,
        history=timeless(pd.read_csv(folder/'history.csv', dtype=str)), predictions=(folder/'predictions.csv').read_bytes(),
        weights=(folder/'model'/'model.safetensors').read_bytes())

p = argparse.ArgumentParser(description=__doc__.splitlines()[0])
p.add_argument('--kills', type=int, default=24)
p.add_argument('--seed', type=int, default=0, help='of the moments')
p.add_argument('--kinds', nargs='+', help='of runs (all three)')
p.add_argument('--dir', default=None, help='where the runs go (a temporary folder)')
a = p.parse_args()
torch.set_num_threads(1)
root, rng, kills, done = Path(a.dir or tempfile.mkdtemp()), random.Random(a.seed), [], 0
base = dict(dataset='sample', device='cpu', save_every=0., dropout=.1, data_dir=str(root/'data'))
KINDS = dict(original=dict(loss='T', epochs=3), tuned=dict(loss='T', epochs=3, recipe='tuned'),
    voice=dict(model='cc', context=False, epochs=1, num_workers=1))
KINDS = {k: KINDS[k] for k in a.kinds or KINDS}
whole, seconds = {}, {}
for recipe in KINDS:
    cfg = RunConfig(**KINDS[recipe], output_dir=str(root/'whole'), **base); begin = time.monotonic()
    assert os.waitpid(start(cfg), 0)[1] == 0, 'the run that is left alone failed'
    whole[recipe], seconds[recipe] = facts(folder_of(cfg)), time.monotonic() - begin
while len(kills) < a.kills:
    recipe = [*KINDS][done % len(KINDS)]
    cfg = RunConfig(**KINDS[recipe], output_dir=str(root/f'cut{done}'), resume=True, **base); folder = folder_of(cfg)
    while True:
        pid, end = start(cfg), time.monotonic() + rng.uniform(0, 1)*seconds[recipe]*(.7 if len(kills) < a.kills else 9)
        while time.monotonic() < end and (status := os.waitpid(pid, os.WNOHANG))[0] == 0: time.sleep(.005)
        if status[0]: assert status[1] == 0, 'a resumed run failed'; break
        os.kill(pid, signal.SIGKILL); os.waitpid(pid, 0)
        last = folder/'checkpoints'/'last'/'state.safetensors'
        if last.exists():
            n = int.from_bytes(last.read_bytes()[:8], 'little'); info = json.loads(json.loads(last.read_bytes()[8:8 + n])['__metadata__']['info'])
            where = f"epoch {info['epoch']} step {info['step']}" if info['step'] else f"after epoch {info['epoch']}"
            if (folder/'predictions.csv').exists(): where = 'writing the results'
        else: where = 'over' if (folder/'results.json').exists() else 'before the first step'
        kills.append(f'{recipe}, {where}')
        if (folder/'results.json').exists(): break # killed while it tidied up
    got = facts(folder)
    if (folder/'checkpoints').exists(): got['files'] = [f for f in got['files'] if not f.startswith('checkpoints')]
    for k, v in whole[recipe].items():
        if got[k] != v: sys.exit(f'{folder}: {k} differ after {len(kills)} kills ({where})')
    done += 1
print(f'{len(kills)} kills in {done} runs, each of which ended with the files of one that was left alone, to the bit; the last state was at:')
print('; '.join(kills))
