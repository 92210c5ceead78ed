"""Audio-only spectrogram models on a corpus of your own: `spec`, the authors' recipe, and pooling over padding.

    python benchmarks/pooling.py FOLDER [--seeds 1,11,111]

The third treats the padding of a batch as audio, in the batch norm and in the mean over time, as the original does. So its prediction of
a clip depends on the others in the batch; that is why mmml doesn't offer it. Prints mean and standard deviation on the test split, and seconds.
"""
import argparse, contextlib, io, tempfile
import pandas as pd, torch
from mmml import run
from mmml.models.features import ENCODERS, FeatureEncoder, LogMelExtractor, SpecConfig, SpecModel, SpecOriginal

class PooledModel(SpecModel):
    "`SpecModel` for which all frames of a batch are valid."
    def forward(self, x, lengths): return super().forward(x, torch.full_like(lengths, x.shape[1]))

class Pooled(SpecOriginal):
    "log-mel spectrogram, the mean over time with padding"
    @staticmethod
    def build(dropout=.1, spec_augment=False):
        return FeatureEncoder(PooledModel(SpecConfig(rows=False, shift=False))), LogMelExtractor()

ENCODERS['spec_pooled'] = Pooled
parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
parser.add_argument('folder'); parser.add_argument('--seeds', default='1,11,111')
a, rows = parser.parse_args(), {}
with tempfile.TemporaryDirectory() as tmp:
    for name in ('spec', 'spec_original', 'spec_pooled'):
        with contextlib.redirect_stdout(io.StringIO()):
            runs = run(a.folder, audio_only=True, audio_encoder=name, seeds=a.seeds, data_dir=tmp, output_dir=f'{tmp}/runs', device='cpu')
        t = pd.DataFrame([r.metrics.loc['A'] for r in runs])
        rows[name] = {k: f'{t[k].mean():.3f} ± {t[k].std():.3f}' for k in ('Corr', 'MAE')} | dict(seconds=', '.join(f"{r.results['seconds']:.0f}" for r in runs))
print(pd.DataFrame(rows).T.to_string())
