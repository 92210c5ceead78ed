"""Speed and memory of the extraction: the sample's clips, tiled to some hours.

    python benchmarks/extraction.py [--hours 1] [--cores N]

Prints the speed as a multiple of real time, and the peak memory of the parent and of the largest worker.
"""
import argparse
import os
import resource
import shutil
import tempfile
import time
from pathlib import Path

import pandas as pd

from mmml.data.audio import extract_audio
from mmml.data.corpus import open_corpus
from mmml.data.spec import RATE, SAMPLE

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument('--hours', type=float, default=1)
parser.add_argument('--cores', type=int, default=len(os.sched_getaffinity(0)))
args = parser.parse_args()

def run(root, hours, cores):
    "Extract `hours` of copies of the sample in `root`; returns the seconds it took and the hours made."
    table = pd.read_csv(SAMPLE/'label.csv')
    parts, made = [], 0
    while made < hours:  # the sample is 0.55 h
        k, made = len(parts), made + .545
        parts.append(table.assign(video_id=[f'{v}-{k}' for v in table.video_id]))
        for v in table.video_id.unique():
            (root/'raw'/f'{v}-{k}').mkdir(parents=True)
            for f in (SAMPLE/'raw'/v).iterdir(): shutil.copy(f, root/'raw'/f'{v}-{k}')
    pd.concat(parts).to_csv(root/'label.csv', index=False)
    start = time.perf_counter()
    corpus = extract_audio(open_corpus(root), cores=cores, log=print)
    return time.perf_counter() - start, corpus.table.samples.sum()/RATE/3600

def peak(who): return resource.getrusage(who).ru_maxrss/2**10  # MiB

with tempfile.TemporaryDirectory() as d:
    seconds, hours = run(Path(d), args.hours, args.cores)
speed = hours*3600/seconds
print(f'{hours:.2f} h in {seconds:.1f} s on {args.cores} cores: {speed:.0f} times real time, '
    f'{speed/args.cores:.0f} a core')
own, worker = peak(resource.RUSAGE_SELF), peak(resource.RUSAGE_CHILDREN)
print(f'peak memory: {own:.0f} MiB, of a worker {worker:.0f} MiB')
