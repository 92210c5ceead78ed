"""The loss of each step, computed in micro-batches and by several processes, without randomness.

    python benchmarks/steps.py DATA_DIR OUT.json '[[16, 1, 0], [16, 4, 0]]'
    torchrun --nproc_per_node 2 benchmarks/steps.py DATA_DIR OUT.json '[[8, 1, 0]]'

Each setting is batch size, micro-batches, LayerDrop.
"""
import json, sys, torch
import mmml
from pathlib import Path
from mmml.data.audio import extract_audio
from mmml.data.batches import UtteranceDataset, make_loader
from mmml.data.corpus import open_corpus
from mmml.models.mmml import from_encoders
from mmml.training.trainer import Callback, StopAfter, Dist, Trainer, make_accelerator
from transformers import set_seed

data, out, settings = sys.argv[1:]
tiny = str(Path(mmml.__file__).parent/'tiny')
corpus, dist = extract_audio(open_corpus('sample', data)), Dist(make_accelerator('cpu'))
corpus.table = corpus.table.groupby('mode').head(75).reset_index(drop=True) # in steps of 16 the last has 11

def build(layerdrop):
    set_seed(1)
    model, *processors = from_encoders(tiny + '/text', tiny + '/audio', dropout=0, num_cme_layers=1)
    for m in model.modules():
        if isinstance(m, torch.nn.Dropout): m.p = 0
    c = model.audio_encoder.model.config
    c.apply_spec_augment, c.layerdrop = False, layerdrop
    return model, UtteranceDataset(corpus, *processors)

class Record(Callback):
    def before_fit(self, t): self.steps = []
    def after_batch(self, t): self.steps.append(float(t.loss))
    def after_epoch(self, t): self.valid = {h: p.tolist() for h, p in t.predictions.items()}

results = []
for batch_size, n_micro, layerdrop in json.loads(settings):
    record, (model, dataset) = Record(), build(layerdrop)
    loaders = [make_loader(corpus, m, dataset, batch_size, n_micro=n_micro, **dist.share)
        for m in ('train', 'valid')]
    labels = torch.tensor(dataset.labels)[corpus.rows('valid')]
    t = Trainer(model, *loaders, labels, 5e-4, callbacks=[record, StopAfter(2)], accelerator=dist.accel)
    t.fit()
    weights = dist.gather(sum(float(p.detach().double().sum()) for p in t.params))
    results.append(dict(steps=record.steps, valid=record.valid, weights=weights))
if dist.first: Path(out).write_text(json.dumps(results))
dist.close()
