"""How many clips a second does prediction do: clip by clip, and by `predict_items`?

    python benchmarks/predict.py [--model FOLDER] [--clips 217] [--repeat 3]

Predicts clips of the bundled sample with their contexts, from mp4, in three ways, and prints medians and ratios: `processor`, the model called on
what the processor returns, the heads alone; `predict`, `model.predict` on one clip after the other; `together`, `predict_items`. The last two return the same columns: heads, intervals, the fusion
without text and without audio, and remarks. Without --model, with the bundled encoders and an untrained fusion of five layers.
"""
import argparse, statistics, tempfile, time
import pandas as pd, torch
import mmml
from mmml.data.spec import SAMPLE
from mmml.inference.predict import make_items
from mmml.models.mmml import from_encoders, save_model

parser = argparse.ArgumentParser()
parser.add_argument('--model'); parser.add_argument('--clips', type=int, default=217); parser.add_argument('--repeat', type=int, default=3)
a = parser.parse_args()
t = pd.read_csv(SAMPLE/'label.csv').query("mode == 'test'").sort_values(['video_id', 'clip_id']).head(a.clips).reset_index(drop=True)
t['place'] = t.groupby('video_id').cumcount()
t['file'] = [str(SAMPLE/'raw'/v/f'{c}.mp4') for v, c in zip(t.video_id, t.clip_id)]
with tempfile.TemporaryDirectory() as d:
    if not a.model:
        torch.manual_seed(0); a.model = d
        save_model(d, *from_encoders(SAMPLE.parent/'tiny'/'text', SAMPLE.parent/'tiny'/'audio'))
    model = mmml.load(a.model)
    before = [[(t.text[j], t.file[j]) for j in range(i - min(2, t.place[i]), i)] for i in range(len(t))]
    def processor():
        with torch.no_grad(): return [model(**model.processor(*x)).predictions['M'].item() for x in zip(t.text, t.file, before)]
    def predict(): return [model.predict(f, text, context=c)['M'] for text, f, c in zip(t.text, t.file, before)]
    def together(): return model.predict_items(make_items(t.file, t.text, t.video_id)).M.tolist()
    def seconds(f): start = time.perf_counter(); out = f(); return time.perf_counter() - start, out
    times = {f.__name__: [seconds(f) for _ in range(a.repeat)] for f in (processor, predict, together)}
    rate = {k: len(t)/statistics.median(x for x, _ in v) for k, v in times.items()}
    gap = max(abs(x - y) for k in ('processor', 'predict') for x, y in zip(times[k][0][1], times['together'][0][1]))
    print(f"{len(t)} clips, {torch.get_num_threads()} threads, clips a second: {', '.join(f'{k} {v:.1f}' for k, v in rate.items())}; "
        f"together/processor {rate['together']/rate['processor']:.1f}, together/predict {rate['together']/rate['predict']:.1f}; largest difference {gap:.0e}")
