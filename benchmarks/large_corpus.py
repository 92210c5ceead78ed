"""Opening a corpus of CMU-MOSEI's size: 22,856 clips in 3,300 videos, 46 hours, once extracted.

    python benchmarks/large_corpus.py

The wav files are silent and sparse: they have the right length and take no disk space. Prints the time to
list them (what `mmml_extract_audio` does if the wav files exist), to open the corpus with the list, and to
make an epoch's batches of row numbers; the time to read a clip; and the peak memory.
"""
import resource
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd
import soundfile as sf
from transformers import AutoFeatureExtractor, AutoTokenizer

from mmml.data.audio import extract_audio, read_wav
from mmml.data.batches import UtteranceDataset, make_loader
from mmml.data.corpus import open_corpus
from mmml.data.spec import RATE, SAMPLE

CLIPS, VIDEOS, HOURS = 22_856, 3_300, 46
TINY = SAMPLE.parent/'tiny'

def sparse_wav(path, n):
    "A silent wav of n samples whose data is a hole in the file."
    sf.write(path, np.zeros(1, np.int16), RATE, subtype='PCM_16')
    with open(path, 'r+b') as f:
        for at, value in ((4, 36 + 2*n), (40, 2*n)):
            f.seek(at)
            f.write(int(value).to_bytes(4, 'little'))
        f.truncate(44 + 2*n)

def make(root):
    "A corpus of that size."
    rng = np.random.default_rng(0)
    video = np.sort(rng.integers(0, VIDEOS, CLIPS))
    samples = np.exp(rng.normal(0, .6, CLIPS))
    samples = (samples/samples.sum()*HOURS*3600*RATE).astype(int)
    split = np.array(['train']*7 + ['valid'] + ['test']*2)
    table = pd.DataFrame(dict(video_id=[f'v{v:04d}' for v in video], mode=split[video % 10],
        text='WHAT HE SAID WAS NOT WHAT I HAD HEARD BEFORE', label=rng.integers(-30, 31, CLIPS)/10))
    table.insert(1, 'clip_id', table.groupby('video_id').cumcount())
    table.to_csv(root/'label.csv', index=False)
    for v, c, n in zip(table.video_id, table.clip_id, samples):
        folder = root/'wav'/v
        folder.mkdir(parents=True, exist_ok=True)
        sparse_wav(folder/f'{c}.wav', n)

def timed(name, call):
    start = time.perf_counter()
    out = call()
    print(f'{name:50} {time.perf_counter() - start:8.2f} s')
    return out

with tempfile.TemporaryDirectory() as d:
    root = Path(d)/'large'
    root.mkdir()
    make(root)
    base = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss/2**10
    timed('list the wav files, once', lambda: extract_audio(open_corpus(root), log=print))
    corpus = timed('open the corpus', lambda: open_corpus(root))
    print(corpus)
    tokenizer = AutoTokenizer.from_pretrained(TINY/'text')
    dataset = UtteranceDataset(corpus, tokenizer, AutoFeatureExtractor.from_pretrained(TINY/'audio'))
    loader = timed('its loader', lambda: make_loader(corpus, 'train', dataset))
    batches = timed("an epoch's batches of row numbers", lambda: list(loader.sampler))
    timed('100 batches of 8', lambda: [dataset[b] for b in batches[:100]])
    times = []
    for p in corpus.table.path[:2000]:
        start = time.perf_counter()
        read_wav(p, 0, 6*RATE)
        times.append(time.perf_counter() - start)
    print(f'read a clip: {np.median(times)*1e3:.2f} ms (median), {np.quantile(times, .99)*1e3:.2f} ms (99 %)')
    print(corpus.summary().to_string())
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss/2**10
    print(f'peak memory: {peak:.0f} MiB, of which {base:.0f} MiB are libraries')
