"""An epoch of `mmml_run_audio --feature spec` on the sample: spectrograms from files, or computed.

    OMP_NUM_THREADS=2 python benchmarks/features.py DATA_DIR

Prints the seconds of an epoch of the training split, median of five: the batches alone, and with training.
"""
import statistics, sys, time
import numpy as np
from mmml.data.audio import extract_audio
from mmml.models.features import prepare
from mmml.data.batches import UtteranceDataset, make_loader
from mmml.data.corpus import open_corpus
from mmml.models.mmml import from_encoders
from mmml.training.trainer import Trainer, make_accelerator
import torch

corpus = extract_audio(open_corpus('sample', sys.argv[1]))
model, _, features = from_encoders(None, 'spec', 'A', context=False, dropout=0., loss_fn='l2')
ready = prepare(corpus, model.audio_encoder, features, log=print)

def seconds(f):
    t0 = time.perf_counter(); f(); return time.perf_counter() - t0

def epoch_of(corpus): # functions: batches alone, whole epoch
    loader = make_loader(corpus, 'train', UtteranceDataset(corpus, None, features, 'A', context=False), 16)
    t = Trainer(model, loader, loader, torch.zeros(1, 1), 1e-4, accelerator=make_accelerator('cpu'))
    t.begin_epoch()
    def train(): t.step = 0; t.train_epoch()
    return lambda: [None for _ in loader], train

stored, computed = epoch_of(ready), epoch_of(corpus)
for i, what in enumerate(('the batches alone', 'training with them')):
    stored[i](), computed[i]()
    a, b = zip(*[(seconds(stored[i]), seconds(computed[i])) for _ in range(5)])
    print(f'{what}: from files {statistics.median(a):.3f} s, computed {statistics.median(b):.3f} s, '
        f'{statistics.median(np.divide(b, a)):.1f} times')
